package io.quiver.lora;

import io.quiver.lora.model.BaseModules;
import io.quiver.lora.safetensors.SafetensorsHeader;
import io.quiver.lora.safetensors.SafetensorsInspection;
import io.quiver.lora.safetensors.SafetensorsInspector;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.TensorFinding;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The reference cases in src/test/resources/fixtures. */
public final class Fixtures {
    private static final JsonMapper JSON = new JsonMapper();

    private Fixtures() {}

    public static Path path(String name) {
        try {
            return Path.of(Objects.requireNonNull(Fixtures.class.getResource("/fixtures/" + name), name)
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(name, e);
        }
    }

    public static byte[] bytes(String name) {
        try {
            return Files.readAllBytes(path(name));
        } catch (IOException e) {
            throw new IllegalArgumentException(name, e);
        }
    }

    public static JsonNode json(String name) {
        return JSON.readTree(bytes(name));
    }

    public static double[] doubles(JsonNode array) { // (elements)
        double[] values = new double[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).doubleValue();
        }
        return values;
    }

    /** Names of the folders in a folder, sorted. */
    public static List<String> folders(String name) {
        try (Stream<Path> entries = Files.list(path(name))) {
            return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new IllegalArgumentException(name, e);
        }
    }

    public static Stream<String> adapters() {
        return folders("adapters").stream();
    }

    /** The base model's name that an adapter's configuration gives. */
    public static String baseOf(String adapter) {
        String base = json("adapters/" + adapter + "/adapter_config.json")
                .get("base_model_name_or_path")
                .stringValue();
        return base.substring(base.lastIndexOf('/') + 1);
    }

    public static SafetensorsHeader header(String name) {
        return SafetensorsHeader.parse(bytes(name), SafetensorsLimits.BASE_MODEL);
    }

    public static BaseModules base(String model) {
        List<SafetensorsHeader> headers = new ArrayList<>();
        for (String file : folders("models/" + model)) {
            if (file.endsWith(".header.json")) {
                headers.add(header("models/" + model + "/" + file));
            }
        }
        return BaseModules.of(headers);
    }

    public static SafetensorsInspection inspect(byte[] file) {
        SafetensorsInspector inspector = new SafetensorsInspector(SafetensorsLimits.ADAPTER);
        inspector.update(file, 0, file.length);
        return inspector.finish();
    }

    /** An inspection of which only the header is known, with nothing wrong in the elements. */
    public static SafetensorsInspection inspection(SafetensorsHeader header) {
        return new SafetensorsInspection(
                header,
                header.tensors().stream()
                        .map(tensor -> new TensorFinding(tensor, -1, false))
                        .toList());
    }
}
