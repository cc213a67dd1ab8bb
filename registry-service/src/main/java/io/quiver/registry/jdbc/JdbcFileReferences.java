package io.quiver.registry.jdbc;

import io.quiver.registry.FileReferences;
import io.quiver.registry.MeasuredFile;
import io.quiver.registry.MeasuredFile.Kind;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;

/** References to files in the rows of base models and versions. */
public final class JdbcFileReferences implements FileReferences {
    private static final String FILES =
            "select f.key from jsonb_to_recordset(:files::jsonb) as f(key text, owner text, stem text)";

    // While an attempt is under way, or the last one failed, a worker may yet announce any calibration of the base.
    private static final String CALIBRATIONS = FILES + """
             where not exists (select 1 from base_model b where b.digest = f.owner
                and (b.calibration_state <> 'CALIBRATED' or b.calibrated->'file'->>'key' = f.key))
            and not exists (select 1 from adapter_version v where v.base_digest = f.owner
                and (split_part(v.evidence_wanted, '-', 1) = f.stem
                    or v.evidence @> jsonb_build_array(jsonb_build_object('calibration',
                        jsonb_build_object('key', f.key)))))
            """;

    // What is against the calibration that serves may be announced late, whatever a version was asked for last.
    private static final String PROTOTYPES = FILES + """
             where not exists (select 1 from adapter_version v join base_model b on b.name = v.base_name
                where v.digest = f.owner
                and (v.state in ('UPLOADED', 'COMPUTING', 'FAILED')
                    or v.prototypes->>'key' = f.key
                    or v.evidence_wanted = f.stem
                    or substr(b.calibrated->'file'->>'digest', 8)
                        || coalesce('-' || substr(v.examples->>'digest', 8), '') = f.stem
                    or v.evidence @> jsonb_build_array(jsonb_build_object('prototypes',
                        jsonb_build_object('key', f.key)))))
            """;

    /** PostgreSQL's SQL state of a lock that was not to be had in time. */
    private static final String LOCKED = "55P03";

    private final JdbcClient jdbc;

    public JdbcFileReferences(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    @Override
    public List<MeasuredFile> unreferenced(List<MeasuredFile> files) {
        List<MeasuredFile> unreferenced = new ArrayList<>();
        for (Kind kind : Kind.values()) {
            List<MeasuredFile> some =
                    files.stream().filter(file -> file.kind() == kind).toList();
            Set<String> keys = Set.copyOf(jdbc.sql(kind == Kind.CALIBRATION ? CALIBRATIONS : PROTOTYPES)
                    .param(
                            "files",
                            JsonColumns.write(
                                    some.stream().map(JdbcFileReferences::row).toList()))
                    .query(String.class)
                    .list());
            some.stream().filter(file -> keys.contains(file.key().value())).forEach(unreferenced::add);
        }
        return unreferenced;
    }

    private static Map<String, String> row(MeasuredFile file) {
        return Map.of("key", file.key().value(), "owner", file.owner(), "stem", file.stem());
    }

    @Override
    public boolean lock() {
        // Below the time after which PostgreSQL looks for deadlocks: who else waits is not broken off.
        jdbc.sql("savepoint unlocked").update();
        jdbc.sql("set local lock_timeout = '500ms'").update();
        try {
            jdbc.sql("lock table base_model, adapter_version in share row exclusive mode")
                    .update();
            return true;
        } catch (DataAccessException e) {
            if (e.getMostSpecificCause() instanceof SQLException failure && LOCKED.equals(failure.getSQLState())) {
                jdbc.sql("rollback to savepoint unlocked").update();
                return false;
            }
            throw e;
        }
    }
}
