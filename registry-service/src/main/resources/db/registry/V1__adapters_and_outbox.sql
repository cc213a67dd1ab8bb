-- Digests are written as 64 hexadecimal digits, without the prefix.

create table base_model (
    name          text        primary key,
    digest        text        not null check (digest ~ '^[0-9a-f]{64}$'),
    files         jsonb       not null, -- [{name, digest, sizeBytes}]
    modules       jsonb       not null, -- {module path: [out, in]}
    registered_at timestamptz not null
);

create table adapter (
    namespace    text        not null,
    name         text        not null,
    labels       jsonb       not null default '{}', -- {key: value}
    last_version integer     not null default 0,    -- versions are counted here, under this row's lock: no gaps
    created_at   timestamptz not null,
    primary key (namespace, name)
);
create index adapter_labels on adapter using gin (labels jsonb_path_ops);

create table adapter_version (
    namespace           text        not null,
    name                text        not null,
    version             integer     not null check (version >= 1),
    digest              text        not null check (digest ~ '^[0-9a-f]{64}$'),
    base_name           text        not null references base_model (name),
    base_digest         text        not null,
    files               jsonb       not null, -- [{name, digest, sizeBytes}]
    state               text        not null
        check (state in ('UPLOADED', 'COMPUTING', 'READY', 'DEPRECATED', 'RETIRED', 'FAILED')),
    worker              text,
    failure             jsonb,                -- {code, message, module, failedAt}
    prototypes          jsonb,                -- {algorithm, key, digest, sizeBytes}
    prototype_modules   jsonb,                -- [{module, in, out, rank, scaling, sigma1, sigmaRatio}]
    uploaded_at         timestamptz not null,
    ready_at            timestamptz,
    primary key (namespace, name, version),
    unique (namespace, name, digest),
    foreign key (namespace, name) references adapter,
    check (state <> 'FAILED' or failure is not null),
    check (state not in ('READY', 'DEPRECATED')
        or (prototypes is not null and prototype_modules is not null and ready_at is not null))
);
create index adapter_version_digest on adapter_version (digest);

create sequence alias_revision;

create table adapter_alias (
    namespace text    not null,
    name      text    not null,
    alias     text    not null,
    version   integer not null,
    revision  bigint  not null default nextval('alias_revision'), -- never used twice, so it can stand in an ETag
    primary key (namespace, name, alias),
    foreign key (namespace, name, version) references adapter_version
);

-- Rows are appended under one advisory lock that is held until commit: ids become visible in their order,
-- so whoever has read up to an id has missed nothing before it.
create table outbox (
    id           bigint generated always as identity primary key,
    topic        text        not null,
    key          text        not null,
    type         text        not null, -- short name, such as AdapterReady
    subject      text        not null,
    data         json        not null, -- json, not jsonb: the text stays as it was written
    time         timestamptz not null,
    published_at timestamptz
);
create index outbox_unpublished on outbox (id) where published_at is null;
create index outbox_key on outbox (topic, key, id);
