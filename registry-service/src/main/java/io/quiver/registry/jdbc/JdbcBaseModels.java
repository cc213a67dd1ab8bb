package io.quiver.registry.jdbc;

import io.quiver.lora.model.BaseModules;
import io.quiver.registry.BaseModel;
import io.quiver.registry.BaseModels;
import io.quiver.registry.Calibration;
import io.quiver.schemas.CalibrationState;
import io.quiver.schemas.Digest;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Base models in PostgreSQL. */
public final class JdbcBaseModels implements BaseModels {
    private final JdbcClient jdbc;

    public JdbcBaseModels(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    @Override
    public boolean add(BaseModel model) {
        return jdbc.sql("""
                                insert into base_model (name, digest, files, modules, registered_at, calibration_state,
                                    calibration_attempt, calibration_seed)
                                values (:name, :digest, :files::jsonb, :modules::jsonb, :registeredAt, :state,
                                    :attempt, :seed)
                                on conflict (name) do nothing
                                """)
                        .param("name", model.name())
                        .param("digest", model.digest().hex())
                        .param("files", JsonColumns.write(model.files()))
                        .param("modules", model.modules().toJson())
                        .param("registeredAt", model.registeredAt().atOffset(ZoneOffset.UTC))
                        .param("state", model.calibration().state().name())
                        .param("attempt", model.calibration().attempt())
                        .param("seed", model.calibration().seed())
                        .update()
                == 1;
    }

    @Override
    public Optional<BaseModel> lock(String name) {
        // Uploads that refer to the row need not wait.
        return jdbc.sql("select * from base_model where name = :name for no key update")
                .param("name", name)
                .query(JdbcBaseModels::read)
                .optional();
    }

    @Override
    public void calibrate(BaseModel model) {
        Calibration calibration = model.calibration();
        jdbc.sql("""
                        update base_model set calibration_state = :state, calibration_attempt = :attempt,
                            calibration_seed = :seed, calibration_worker = :worker,
                            calibration_progress = :progress::jsonb, calibration_failure = :failure::jsonb,
                            calibrated = :calibrated::jsonb
                        where name = :name
                        """)
                .param("name", model.name())
                .param("state", calibration.state().name())
                .param("attempt", calibration.attempt())
                .param("seed", calibration.seed())
                .param("worker", calibration.worker())
                .param("progress", JsonColumns.writeOrNull(calibration.progress()))
                .param("failure", JsonColumns.writeOrNull(calibration.failure()))
                .param("calibrated", JsonColumns.writeOrNull(calibration.calibrated()))
                .update();
    }

    @Override
    public Optional<BaseModel> find(String name) {
        return jdbc.sql("select * from base_model where name = :name")
                .param("name", name)
                .query(JdbcBaseModels::read)
                .optional();
    }

    @Override
    public List<BaseModel> list(Optional<String> after, int limit) {
        return jdbc.sql("select * from base_model where name > :after order by name limit :limit")
                .param("after", after.orElse(""))
                .param("limit", limit)
                .query(JdbcBaseModels::read)
                .list();
    }

    private static BaseModel read(ResultSet row, int number) throws SQLException {
        return new BaseModel(
                row.getString("name"),
                new Digest(row.getString("digest")),
                JsonColumns.files(row.getString("files")),
                BaseModules.fromJson(row.getString("modules")),
                row.getObject("registered_at", OffsetDateTime.class).toInstant(),
                calibration(row));
    }

    private static Calibration calibration(ResultSet row) throws SQLException {
        return new Calibration(
                CalibrationState.valueOf(row.getString("calibration_state")),
                row.getInt("calibration_attempt"),
                row.getObject("calibration_seed", Long.class),
                row.getString("calibration_worker"),
                JsonColumns.read(row.getString("calibration_progress"), Calibration.Progress.class),
                JsonColumns.failure(row.getString("calibration_failure")),
                JsonColumns.read(row.getString("calibrated"), Calibration.Calibrated.class));
    }
}
