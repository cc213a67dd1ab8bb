package io.quiver.decoder.torch;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Expert;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.SafetensorsWriter;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/**
 * A family of the fixtures in the shape of a real model: heads of so many features that whole vectors are full, and seeded random weights,
 * which bfloat16 holds exactly.
 */
record RandomModel(Path folder, int hidden, int queries, int keys, int intermediate) {
    private static final int HEAD_DIM = 32;

    /** @param size 1 for the smallest shape; every width is a multiple of it */
    static RandomModel write(Path folder, String family, int size) {
        ObjectNode config = (ObjectNode) Fixtures.json("models/" + family + "/config.json");
        int heads = 4 * size;
        int kvHeads = family.equals("phi") ? heads : 2 * size;
        boolean ownWidth = config.hasNonNull("head_dim");
        RandomModel model = new RandomModel(
                folder, ownWidth ? 96 * size : heads * HEAD_DIM, heads * HEAD_DIM, kvHeads * HEAD_DIM, 224 * size);
        config.put("hidden_size", model.hidden);
        config.put("num_attention_heads", heads);
        config.put("num_key_value_heads", kvHeads);
        config.put("intermediate_size", model.intermediate);
        if (ownWidth) {
            config.put("head_dim", HEAD_DIM);
        }
        if (config.hasNonNull("sliding_window")) {
            config.put("sliding_window", 21);
        }
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("config.json"), config.toString());
            model.writeWeights(Fixtures.path("models/" + family));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return model;
    }

    private void writeWeights(Path fixture) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter();
        Random random = new Random(3);
        List<TensorInfo> tensors = new ArrayList<>();
        try (Stream<Path> files = Files.list(fixture)) {
            for (Path file : files.filter(path -> path.toString().endsWith(".safetensors")
                            && path.getFileName().toString().startsWith("model"))
                    .sorted()
                    .toList()) {
                try (SafetensorsFile weights = SafetensorsFile.open(file, SafetensorsLimits.BASE_MODEL)) {
                    tensors.addAll(weights.header().tensors());
                }
            }
        }
        tensors.sort(Comparator.comparing(TensorInfo::name));
        for (TensorInfo tensor : tensors) {
            List<Long> shape = shape(tensor);
            boolean matrix = shape.size() == 2;
            double scale = matrix ? 1.5 / Math.sqrt(shape.get(1)) : 0.2;
            double middle = matrix || tensor.name().endsWith("bias") ? 0 : 1;
            writer.floats(
                    tensor.name(),
                    shape,
                    values(shape, random, middle, tensor.name().contains("embed") ? 1 : scale));
        }
        Files.write(folder.resolve("model.safetensors"), writer.toBytes());
    }

    private List<Long> shape(TensorInfo tensor) {
        String name = tensor.name();
        long vocabulary = tensor.shape().get(0);
        List<Long> shape;
        if (name.contains("embed_tokens") || name.startsWith("lm_head")) {
            shape = List.of(vocabulary, (long) hidden);
        } else if (name.matches(".*[qk]_norm.*")) {
            shape = List.of((long) HEAD_DIM);
        } else if (name.contains("norm")) {
            shape = List.of((long) hidden);
        } else {
            String linear = name.replaceAll(".*\\.([a-z0-9_]+)\\.(weight|bias)", "$1");
            shape = List.of((long) out(linear), (long) in(linear));
        }
        return shape.subList(0, tensor.shape().size());
    }

    private int in(String linear) {
        return switch (linear) {
            case "o_proj", "dense" -> queries;
            case "down_proj", "fc2" -> intermediate;
            default -> hidden;
        };
    }

    private int out(String linear) {
        return switch (linear) {
            case "q_proj" -> queries;
            case "k_proj", "v_proj" -> keys;
            case "qkv_proj" -> queries + 2 * keys;
            case "gate_proj", "up_proj", "fc1" -> intermediate;
            case "gate_up_proj" -> 2 * intermediate;
            default -> hidden;
        };
    }

    private static float[] values(List<Long> shape, Random random, double middle, double scale) {
        float[] values = new float[Math.toIntExact(shape.stream().reduce(1L, Math::multiplyExact))];
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.intBitsToFloat(
                    (Float.floatToIntBits((float) (middle + scale * random.nextGaussian())) + 0x8000) & 0xffff0000);
        }
        return values;
    }

    TorchDecoder open(DecoderSettings settings) {
        try {
            return TorchDecoder.open(folder, settings);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Makes a random expert of a llama resident, with random unit prototypes; the same number gives the same expert. */
    Expert expert(Decoder decoder, int number, int rank, String... linears) {
        Random random = new Random(100 + number);
        SafetensorsWriter writer = new SafetensorsWriter();
        Map<String, ModulePrototype> prototypes = new HashMap<>();
        for (int layer = 0; layer < decoder.config().layers(); layer++) {
            for (String linear : linears) {
                String block = linear.matches("(gate|up|down)_proj") ? "mlp." : "self_attn.";
                String module = "model.layers." + layer + "." + block + linear;
                List<Long> a = List.of((long) rank, (long) in(linear));
                List<Long> b = List.of((long) out(linear), (long) rank);
                writer.floats(
                        "base_model.model." + module + ".lora_A.weight",
                        a,
                        values(a, random, 0, 1 / Math.sqrt(in(linear))));
                writer.floats(
                        "base_model.model." + module + ".lora_B.weight",
                        b,
                        values(b, random, 0, 0.5 / Math.sqrt(rank)));
                prototypes.put(
                        module, new ModulePrototype(module, rank, 1, unit(in(linear), random), new double[] {1}));
            }
        }
        Path adapter = folder.resolve("expert-" + number);
        try {
            Files.createDirectories(adapter);
            Files.write(adapter.resolve("adapter_model.safetensors"), writer.toBytes());
            Files.writeString(
                    adapter.resolve("adapter_config.json"),
                    "{\"peft_type\": \"LORA\", \"task_type\": \"CAUSAL_LM\", \"r\": %d, \"lora_alpha\": %d, \"target_modules\": [%s]}"
                            .formatted(
                                    rank,
                                    rank,
                                    String.join(
                                            ", ",
                                            Arrays.stream(linears)
                                                    .map(linear -> '"' + linear + '"')
                                                    .toList())));
            return decoder.load("expert-" + number, adapter, prototypes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static float[] unit(int width, Random random) {
        float[] vector = new float[width];
        double square = 0;
        for (int i = 0; i < width; i++) {
            vector[i] = (float) random.nextGaussian();
            square += vector[i] * vector[i];
        }
        for (int i = 0; i < width; i++) {
            vector[i] /= (float) Math.sqrt(square);
        }
        return vector;
    }
}
