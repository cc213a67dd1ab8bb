package io.quiver.registry.jdbc;

import io.quiver.lora.model.BaseModules;
import io.quiver.registry.BaseModel;
import io.quiver.registry.BaseModels;
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
                                insert into base_model (name, digest, files, modules, registered_at)
                                values (:name, :digest, :files::jsonb, :modules::jsonb, :registeredAt)
                                on conflict (name) do nothing
                                """)
                        .param("name", model.name())
                        .param("digest", model.digest().hex())
                        .param("files", JsonColumns.write(model.files()))
                        .param("modules", model.modules().toJson())
                        .param("registeredAt", model.registeredAt().atOffset(ZoneOffset.UTC))
                        .update()
                == 1;
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
                row.getObject("registered_at", OffsetDateTime.class).toInstant());
    }
}
