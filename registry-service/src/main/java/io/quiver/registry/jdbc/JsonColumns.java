package io.quiver.registry.jdbc;

import io.quiver.registry.Calibration;
import io.quiver.registry.Failure;
import io.quiver.registry.ModuleSummary;
import io.quiver.schemas.EvidenceRef;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.StoredFile;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** What lies in JSON columns, written and read by component names. */
final class JsonColumns {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final TypeReference<List<StoredFile>> FILES = new TypeReference<>() {};
    private static final TypeReference<List<ModuleSummary>> MODULES = new TypeReference<>() {};
    private static final TypeReference<List<EvidenceRef>> EVIDENCE = new TypeReference<>() {};
    private static final TypeReference<Map<String, String>> LABELS = new TypeReference<>() {};
    private static final TypeReference<Map<String, Integer>> ALIASES = new TypeReference<>() {};

    private JsonColumns() {}

    static String write(Object value) {
        return JSON.writeValueAsString(value);
    }

    static @Nullable String writeOrNull(@Nullable Object value) {
        return value == null ? null : write(value);
    }

    static <T> @Nullable T read(@Nullable String json, Class<T> type) {
        return json == null ? null : JSON.readValue(json, type);
    }

    static Calibration.Calibrated calibrated(String json) {
        return JSON.readValue(json, Calibration.Calibrated.class);
    }

    static List<EvidenceRef> evidence(String json) {
        return JSON.readValue(json, EVIDENCE);
    }

    static List<StoredFile> files(String json) {
        return JSON.readValue(json, FILES);
    }

    static List<ModuleSummary> modules(String json) {
        return JSON.readValue(json, MODULES);
    }

    static Map<String, String> labels(String json) {
        return JSON.readValue(json, LABELS);
    }

    static Map<String, Integer> aliases(String json) {
        return JSON.readValue(json, ALIASES);
    }

    static @Nullable Failure failure(@Nullable String json) {
        return read(json, Failure.class);
    }

    static @Nullable PrototypeFileRef prototypes(@Nullable String json) {
        return read(json, PrototypeFileRef.class);
    }
}
