package io.quiver.registry.jdbc;

import io.quiver.registry.AdapterVersion;
import io.quiver.registry.Failure;
import io.quiver.registry.VersionEvidence;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.EvidenceRef;
import io.quiver.schemas.StoredFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;

/** The evidence of versions in PostgreSQL, in columns of their rows. */
public final class JdbcVersionEvidence implements VersionEvidence {
    /** Against how many calibrations a version keeps its evidence: the one that serves, and the one before. */
    private static final int KEPT = 2;

    private static final String OF_VERSION = " where namespace = :ns and name = :name and version = :version";
    private static final String CAN_BE_ROUTED_TO = " and state in ('READY', 'DEPRECATED')";

    private final JdbcClient jdbc;

    public JdbcVersionEvidence(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    @Override
    public boolean exemplify(AdapterName adapter, int version, StoredFile examples) {
        return of(
                                adapter,
                                version,
                                "update adapter_version set examples = :examples::jsonb" + OF_VERSION
                                        + " and examples is distinct from :examples::jsonb")
                        .param("examples", JsonColumns.write(examples))
                        .update()
                == 1;
    }

    @Override
    public void ask(AdapterName adapter, int version, CalibrationRef calibration) {
        of(adapter, version, """
                        update adapter_version set evidence_failure = null,
                            evidence_wanted = :calibration || coalesce('-' || substr(examples->>'digest', 8), '')
                        """ + OF_VERSION)
                .param("calibration", calibration.digest().hex())
                .update();
    }

    @Override
    public boolean add(AdapterName adapter, int version, EvidenceRef evidence) {
        Optional<List<EvidenceRef>> before = of(
                        adapter, version, "select evidence from adapter_version" + OF_VERSION + CAN_BE_ROUTED_TO)
                .query(String.class)
                .optional()
                .map(JsonColumns::evidence);
        if (before.isEmpty() || before.get().stream().findFirst().equals(Optional.of(evidence))) {
            return false;
        }
        List<EvidenceRef> kept = new ArrayList<>(List.of(evidence));
        before.get().stream()
                .filter(other -> !other.calibration()
                        .digest()
                        .equals(evidence.calibration().digest()))
                .limit(KEPT - 1)
                .forEach(kept::add);
        return of(adapter, version, """
                                update adapter_version set evidence = :evidence::jsonb, evidence_failure = null,
                                    prototypes = :prototypes::jsonb
                                """ + OF_VERSION)
                        .param("evidence", JsonColumns.write(kept))
                        .param("prototypes", JsonColumns.write(evidence.prototypes()))
                        .update()
                == 1;
    }

    @Override
    public boolean fail(AdapterName adapter, int version, Failure failure) {
        return of(
                                adapter,
                                version,
                                "update adapter_version set evidence_failure = :failure::jsonb" + OF_VERSION
                                        + CAN_BE_ROUTED_TO + " and evidence_failure is null")
                        .param("failure", JsonColumns.write(failure))
                        .update()
                == 1;
    }

    @Override
    public void forgetFailure(AdapterName adapter, int version) {
        of(
                        adapter,
                        version,
                        "update adapter_version set evidence_failure = null, evidence_wanted = null" + OF_VERSION
                                + " and evidence_failure is not null")
                .update();
    }

    @Override
    public void forgetFailures(String base) {
        jdbc.sql("""
                        update adapter_version set evidence_failure = null, evidence_wanted = null
                        where base_name = :base and evidence_failure is not null
                        """).param("base", base).update();
    }

    @Override
    public List<Lacking> askForLacking(int limit) {
        return jdbc.sql("""
                        with lacking as (
                            select v.namespace, v.name, v.version, b.calibrated, b.files as base_files,
                                substr(b.calibrated->'file'->>'digest', 8)
                                    || coalesce('-' || substr(v.examples->>'digest', 8), '') as wanted
                            from adapter_version v join base_model b on b.name = v.base_name
                            where b.calibrated is not null and v.state in ('READY', 'DEPRECATED')
                            and v.evidence_wanted is distinct from substr(b.calibrated->'file'->>'digest', 8)
                                || coalesce('-' || substr(v.examples->>'digest', 8), '')
                            limit :limit for update of v skip locked)
                        update adapter_version v set evidence_wanted = l.wanted, evidence_failure = null
                        from lacking l
                        where v.namespace = l.namespace and v.name = l.name and v.version = l.version
                        returning v.*, l.calibrated, l.base_files
                        """)
                .param("limit", limit)
                .query((row, number) -> {
                    AdapterVersion version = AdapterRows.version(row, number);
                    return new Lacking(
                            version,
                            JsonColumns.calibrated(row.getString("calibrated")).file(),
                            JsonColumns.files(row.getString("base_files")));
                })
                .list();
    }

    private JdbcClient.StatementSpec of(AdapterName adapter, int version, String sql) {
        return jdbc.sql(sql)
                .param("ns", adapter.namespace())
                .param("name", adapter.name())
                .param("version", version);
    }
}
