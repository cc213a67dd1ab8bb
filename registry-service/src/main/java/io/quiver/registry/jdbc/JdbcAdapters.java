package io.quiver.registry.jdbc;

import io.quiver.registry.Adapter;
import io.quiver.registry.AdapterVersion;
import io.quiver.registry.Adapters;
import io.quiver.registry.Failure;
import io.quiver.registry.ModuleSummary;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterCatalogued;
import io.quiver.schemas.Event.CataloguedVersion;
import io.quiver.schemas.LabelSelector;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.StoredFile;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Adapters and versions in PostgreSQL. */
public final class JdbcAdapters implements Adapters {
    private static final String OF_VERSION = " where namespace = :ns and name = :name and version = :version";
    private static final String SELECT_ADAPTER = """
            select a.*, v.number as latest, n.version as newest,
                coalesce((select json_object_agg(alias, version) from adapter_alias s
                    where s.namespace = a.namespace and s.name = a.name), '{}') as aliases
            from adapter a
            left join lateral (select max(version) as number from adapter_version
                where namespace = a.namespace and name = a.name and state = 'READY') v on true
            left join adapter_version n
                on n.namespace = a.namespace and n.name = a.name and n.version = a.last_version
            """;

    private final JdbcClient jdbc;

    public JdbcAdapters(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    @Override
    public void lock(AdapterName adapter, Instant now) {
        of(
                        adapter,
                        "insert into adapter (namespace, name, created_at) values (:ns, :name, :now) on conflict do nothing")
                .param("now", now.atOffset(ZoneOffset.UTC))
                .update();
        of(adapter, "select last_version from adapter where namespace = :ns and name = :name for update")
                .query(Integer.class)
                .single();
    }

    @Override
    public int add(AdapterName adapter, Digest digest, BaseModelRef base, List<StoredFile> files, Instant uploadedAt) {
        int version = of(adapter, """
                        update adapter set last_version = last_version + 1
                        where namespace = :ns and name = :name returning last_version
                        """).query(Integer.class).single();
        of(adapter, """
                        insert into adapter_version
                            (namespace, name, version, digest, base_name, base_digest, files, state, uploaded_at)
                        values (:ns, :name, :version, :digest, :baseName, :baseDigest, :files::jsonb, 'UPLOADED', :at)
                        """)
                .param("version", version)
                .param("digest", digest.hex())
                .param("baseName", base.name())
                .param("baseDigest", base.digest().hex())
                .param("files", JsonColumns.write(files))
                .param("at", uploadedAt.atOffset(ZoneOffset.UTC))
                .update();
        return version;
    }

    @Override
    public boolean label(AdapterName adapter, Map<String, String> labels) {
        return of(adapter, """
                                update adapter set labels = :labels::jsonb
                                where namespace = :ns and name = :name and labels <> :labels::jsonb
                                """).param("labels", JsonColumns.write(labels)).update() == 1;
    }

    @Override
    public boolean startComputing(AdapterName adapter, int version, String worker) {
        return ofVersion(
                                adapter,
                                version,
                                "update adapter_version set state = 'COMPUTING', worker = :worker" + OF_VERSION
                                        + " and state = 'UPLOADED'")
                        .param("worker", worker)
                        .update()
                == 1;
    }

    @Override
    public boolean becomeReady(
            AdapterName adapter,
            int version,
            PrototypeFileRef prototypes,
            List<ModuleSummary> modules,
            String worker,
            Instant readyAt) {
        return ofVersion(adapter, version, """
                                update adapter_version set state = 'READY', failure = null, worker = :worker,
                                    prototypes = :prototypes::jsonb, prototype_modules = :modules::jsonb, ready_at = :at
                                """ + OF_VERSION + " and state in ('UPLOADED', 'COMPUTING', 'FAILED')")
                        .param("worker", worker)
                        .param("prototypes", JsonColumns.write(prototypes))
                        .param("modules", JsonColumns.write(modules))
                        .param("at", readyAt.atOffset(ZoneOffset.UTC))
                        .update()
                == 1;
    }

    @Override
    public boolean fail(AdapterName adapter, int version, Failure failure, String worker) {
        return ofVersion(
                                adapter,
                                version,
                                "update adapter_version set state = 'FAILED', failure = :failure::jsonb, worker = :worker"
                                        + OF_VERSION
                                        + " and state in ('UPLOADED', 'COMPUTING')")
                        .param("failure", JsonColumns.write(failure))
                        .param("worker", worker)
                        .update()
                == 1;
    }

    @Override
    public boolean restart(AdapterName adapter, int version) {
        return ofVersion(
                                adapter,
                                version,
                                "update adapter_version set state = 'UPLOADED', failure = null, worker = null"
                                        + OF_VERSION
                                        + " and state in ('UPLOADED', 'COMPUTING', 'FAILED')")
                        .update()
                == 1;
    }

    @Override
    public Optional<Adapter> find(AdapterName adapter) {
        return of(adapter, SELECT_ADAPTER + " where a.namespace = :ns and a.name = :name")
                .query(AdapterRows::shallow)
                .optional()
                .map(this::withNewest);
    }

    @Override
    public List<Adapter> search(LabelSelector selector, Optional<AdapterName> after, int limit) {
        return jdbc
                .sql(SELECT_ADAPTER + """
                                 where a.labels @> :labels::jsonb and (a.namespace, a.name) > (:ns, :name)
                                 order by a.namespace, a.name limit :limit
                                """)
                .param("labels", JsonColumns.write(selector.labels()))
                .param("ns", after.map(AdapterName::namespace).orElse(""))
                .param("name", after.map(AdapterName::name).orElse(""))
                .param("limit", limit)
                .query(AdapterRows::shallow)
                .list()
                .stream()
                .map(this::withNewest)
                .toList();
    }

    private Adapter withNewest(AdapterRows.Shallow row) {
        return row.with(
                row.newest() == 0 ? null : find(row.adapter(), row.newest()).orElse(null));
    }

    @Override
    public Optional<AdapterVersion> find(AdapterName adapter, int version) {
        return ofVersion(adapter, version, "select * from adapter_version" + OF_VERSION)
                .query(AdapterRows::version)
                .optional();
    }

    @Override
    public Optional<AdapterVersion> find(AdapterName adapter, Digest digest) {
        return of(adapter, "select * from adapter_version where namespace = :ns and name = :name and digest = :digest")
                .param("digest", digest.hex())
                .query(AdapterRows::version)
                .optional();
    }

    @Override
    public Optional<AdapterVersion> findLatest(AdapterName adapter) {
        return of(adapter, """
                        select * from adapter_version where namespace = :ns and name = :name and state = 'READY'
                        order by version desc limit 1
                        """).query(AdapterRows::version).optional();
    }

    @Override
    public List<AdapterVersion> versions(AdapterName adapter, int before, int limit) {
        return of(adapter, """
                        select * from adapter_version where namespace = :ns and name = :name and version < :before
                        order by version desc limit :limit
                        """)
                .param("before", before)
                .param("limit", limit)
                .query(AdapterRows::version)
                .list();
    }

    @Override
    public List<ModuleSummary> modules(AdapterName adapter, int version) {
        return ofVersion(adapter, version, "select coalesce(prototype_modules, '[]') from adapter_version" + OF_VERSION)
                .query(String.class)
                .optional()
                .map(JsonColumns::modules)
                .orElse(List.of());
    }

    @Override
    public AdapterCatalogued snapshot(AdapterName adapter) {
        Adapter found = find(adapter).orElseThrow(() -> new IllegalStateException("no adapter " + adapter));
        List<CataloguedVersion> versions = of(adapter, """
                        select * from adapter_version where namespace = :ns and name = :name
                        and state in ('READY', 'DEPRECATED') order by version
                        """).query(AdapterRows::version).list().stream()
                .map(JdbcAdapters::catalogued)
                .toList();
        return new AdapterCatalogued(adapter, found.labels(), found.aliases(), versions);
    }

    private static CataloguedVersion catalogued(AdapterVersion version) {
        return new CataloguedVersion(
                version.version(),
                version.digest(),
                version.state(),
                version.base(),
                version.files(),
                Objects.requireNonNull(version.prototypes(), "the table checks that a ready version has prototypes"),
                Objects.requireNonNull(version.readyAt(), "the table checks that a ready version has a time"),
                version.evidence(),
                version.examples());
    }

    private JdbcClient.StatementSpec of(AdapterName adapter, String sql) {
        return jdbc.sql(sql).param("ns", adapter.namespace()).param("name", adapter.name());
    }

    private JdbcClient.StatementSpec ofVersion(AdapterName adapter, int version, String sql) {
        return of(adapter, sql).param("version", version);
    }
}
