package io.quiver.standalone;

import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A small model with three experts, and what PEFT's own Arrow makes of them in float32: all three mixed, temperature 1.
 *
 * @param prompt token ids // (9)
 * @param greedy token ids of PEFT's continuation // (48)
 * @param firstShares for the first of them, each expert's coefficient averaged over the modules // (experts)
 */
record ReferenceCase(List<Integer> prompt, List<Integer> greedy, double[] firstShares) {
    static final List<String> EXPERTS = List.of("e0", "e1", "e2");
    private static final int TRACED_PROMPT = 1;
    private static final String COEFFICIENTS = "coeff.";

    static ReferenceCase read() throws IOException {
        Path dir = resource("/fixtures/arrow/e3-all");
        JsonNode traced = JsonMapper.shared()
                .readTree(Files.readString(dir.resolve("case.json")))
                .path("prompts")
                .path(TRACED_PROMPT);
        List<Integer> prompt = ids(traced.path("ids"));
        double[] shares = new double[EXPERTS.size()];
        try (var expected = SafetensorsFile.open(dir.resolve("expected.safetensors"), SafetensorsLimits.ADAPTER)) {
            List<String> modules = expected.header().tensors().stream()
                    .map(tensor -> tensor.name())
                    .filter(name -> name.startsWith(COEFFICIENTS))
                    .toList();
            for (String module : modules) {
                float[] coefficients = expected.floats(module); // (9, experts)
                for (int e = 0; e < shares.length; e++) {
                    shares[e] += coefficients[(prompt.size() - 1) * shares.length + e] / (double) modules.size();
                }
            }
        }
        return new ReferenceCase(prompt, ids(traced.path("greedy")), shares);
    }

    static List<Path> base() {
        return List.of(
                resource("/fixtures/models/llama/config.json"),
                resource("/fixtures/models/llama/model.safetensors"),
                resource("/text/llama/tokenizer.json"),
                resource("/text/llama/tokenizer_config.json"));
    }

    static List<Path> expert(String name) {
        Path dir = resource("/fixtures/arrow/experts/" + name);
        return List.of(dir.resolve("adapter_config.json"), dir.resolve("adapter_model.safetensors"));
    }

    private static List<Integer> ids(JsonNode array) {
        var ids = new ArrayList<Integer>();
        array.forEach(id -> ids.add(id.asInt()));
        return ids;
    }

    private static Path resource(String name) {
        try {
            return Path.of(Objects.requireNonNull(ReferenceCase.class.getResource(name), name)
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
