-- Calibrations of base models, and the evidence of adapters against them.

alter table base_model
    -- Where the newest attempt stands; attempts count from 1.
    add column calibration_state    text    not null default 'NONE'
        check (calibration_state in ('NONE', 'REQUESTED', 'CALIBRATING', 'CALIBRATED', 'FAILED')),
    add column calibration_attempt  integer not null default 0,
    add column calibration_seed     bigint,
    add column calibration_worker   text,
    add column calibration_progress jsonb, -- {stage, done, total}
    add column calibration_failure  jsonb, -- {code, message, failedAt}
    -- What serves: of the newest attempt that succeeded.
    add column calibrated           jsonb, -- {file: {algorithm, key, digest, sizeBytes}, attempt, seed, elapsedMillis, calibratedAt}
    add check ((calibration_state = 'NONE') = (calibration_attempt = 0)),
    add check ((calibration_attempt = 0) = (calibration_seed is null)),
    add check (calibration_state <> 'FAILED' or calibration_failure is not null),
    add check (calibration_state <> 'CALIBRATED' or calibrated is not null);

alter table adapter_version
    add column examples         jsonb,                       -- {name, digest, sizeBytes}
    add column evidence         jsonb not null default '[]', -- [{calibration, prototypes, exampleCount}], newest first, two at most
    add column evidence_wanted  text,                        -- what was asked for last: <calibration hex>[-<examples hex>]
    add column evidence_failure jsonb,                       -- {code, message, failedAt} of what was asked for last
    add check (jsonb_array_length(evidence) <= 2);
create index adapter_version_base on adapter_version (base_name);
