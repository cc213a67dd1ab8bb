package io.quiver.cli.verify;

import java.io.IOException;
import tools.jackson.databind.JsonNode;

/** Which model of the folder an adapter is for. */
final class AdapterBase {
    private AdapterBase() {}

    /**
     * The model's folder, from the root: as {@code expected.json} says, else the folder under {@code models/} that the last
     * part of {@code base_model_name_or_path} names.
     */
    static String of(ReferenceFolder folder, String adapter) throws IOException {
        String expected = adapter + "/expected.json";
        if (folder.has(expected)) {
            JsonNode model = folder.json(expected).path("model");
            if (model.isString()) {
                return model.stringValue();
            }
        }
        String base = folder.json(adapter + "/adapter_config.json")
                .path("base_model_name_or_path")
                .asString("");
        return "models/" + base.substring(base.lastIndexOf('/') + 1);
    }
}
