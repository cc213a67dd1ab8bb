package io.quiver.registry.jdbc;

import io.quiver.registry.Adapter;
import io.quiver.registry.AdapterVersion;
import io.quiver.registry.ModuleSummary;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.AdapterState;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.StoredFile;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Rows of the adapter tables as what they mean. */
final class AdapterRows {
    private AdapterRows() {}

    /**
     * An adapter whose newest version has only its number yet.
     *
     * @param latest 0 if no version is ready
     * @param newest 0 if there is none
     */
    record Shallow(
            AdapterName adapter,
            Map<String, String> labels,
            Map<String, Integer> aliases,
            int latest,
            int newest,
            Instant createdAt) {
        Adapter with(@Nullable AdapterVersion version) {
            return new Adapter(adapter, labels, aliases, latest == 0 ? null : latest, version, createdAt);
        }
    }

    static Shallow shallow(ResultSet row, int number) throws SQLException {
        return new Shallow(
                name(row),
                JsonColumns.labels(row.getString("labels")),
                JsonColumns.aliases(row.getString("aliases")),
                row.getInt("latest"),
                row.getInt("newest"),
                row.getObject("created_at", OffsetDateTime.class).toInstant());
    }

    static AdapterVersion version(ResultSet row, int number) throws SQLException {
        OffsetDateTime readyAt = row.getObject("ready_at", OffsetDateTime.class);
        String json = row.getString("prototype_modules");
        List<ModuleSummary> modules = json == null ? List.of() : JsonColumns.modules(json);
        return new AdapterVersion(
                name(row),
                row.getInt("version"),
                new Digest(row.getString("digest")),
                new BaseModelRef(row.getString("base_name"), new Digest(row.getString("base_digest"))),
                JsonColumns.files(row.getString("files")),
                AdapterState.valueOf(row.getString("state")),
                row.getString("worker"),
                JsonColumns.failure(row.getString("failure")),
                JsonColumns.prototypes(row.getString("prototypes")),
                modules.stream().map(ModuleSummary::rank).max(Integer::compare).orElse(null),
                modules.isEmpty() ? null : modules.size(),
                row.getObject("uploaded_at", OffsetDateTime.class).toInstant(),
                readyAt == null ? null : readyAt.toInstant(),
                JsonColumns.evidence(row.getString("evidence")),
                JsonColumns.read(row.getString("examples"), StoredFile.class),
                JsonColumns.failure(row.getString("evidence_failure")));
    }

    private static AdapterName name(ResultSet row) throws SQLException {
        return new AdapterName(row.getString("namespace"), row.getString("name"));
    }
}
