package io.quiver.benchmarks;

import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.safetensors.DType;
import io.quiver.lora.safetensors.SafetensorsWriter;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A Llama of a given shape with random bfloat16 weights, and adapters for it, as folders. Speed does not depend on the values,
 * except that random prototypes spread the choices over all experts, the worst case for caches.
 *
 * @param layers decoder layers
 * @param hidden width of the residual stream
 * @param intermediate width inside the MLP
 * @param heads query heads
 * @param kvHeads key and value heads
 * @param vocabulary entries of the tied embedding
 */
record RandomModel(int layers, int hidden, int intermediate, int heads, int kvHeads, int vocabulary) {
    /** The shape of SmolLM2-135M. */
    static final RandomModel SMOLLM2_135M = new RandomModel(30, 576, 1536, 9, 3, 49152);

    /** Linear modules with their (out, in), by path. */
    private Map<String, int[]> linears() {
        int shared = hidden / heads * kvHeads;
        Map<String, int[]> linears = new LinkedHashMap<>();
        for (int layer = 0; layer < layers; layer++) {
            String prefix = "model.layers." + layer + ".";
            linears.put(prefix + "self_attn.q_proj", new int[] {hidden, hidden});
            linears.put(prefix + "self_attn.k_proj", new int[] {shared, hidden});
            linears.put(prefix + "self_attn.v_proj", new int[] {shared, hidden});
            linears.put(prefix + "self_attn.o_proj", new int[] {hidden, hidden});
            linears.put(prefix + "mlp.gate_proj", new int[] {intermediate, hidden});
            linears.put(prefix + "mlp.up_proj", new int[] {intermediate, hidden});
            linears.put(prefix + "mlp.down_proj", new int[] {hidden, intermediate});
        }
        return linears;
    }

    /** Writes config.json and model.safetensors. */
    void write(Path folder, Random random) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(
                folder.resolve("config.json"), """
                {"model_type": "llama", "hidden_act": "silu", "hidden_size": %d, "intermediate_size": %d,
                 "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d, "vocab_size": %d,
                 "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 100000, "tie_word_embeddings": true}
                """.formatted(hidden, intermediate, layers, heads, kvHeads, vocabulary));
        SafetensorsWriter writer = new SafetensorsWriter();
        add(writer, "model.embed_tokens.weight", random, 1, vocabulary, hidden);
        add(writer, "model.norm.weight", random, 1, hidden);
        for (int layer = 0; layer < layers; layer++) {
            add(writer, "model.layers." + layer + ".input_layernorm.weight", random, 1, hidden);
            add(writer, "model.layers." + layer + ".post_attention_layernorm.weight", random, 1, hidden);
        }
        linears()
                .forEach((path, shape) ->
                        add(writer, path + ".weight", random, 1 / Math.sqrt(shape[1]), shape[0], shape[1]));
        write(writer, folder.resolve("model.safetensors"));
    }

    /** Writes an adapter of all seven linears as PEFT saves it. */
    void writeAdapter(Path folder, int rank, Random random) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("adapter_config.json"), """
                {"peft_type": "LORA", "r": %d, "lora_alpha": %d, "bias": "none", "target_modules":
                 ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]}
                """.formatted(rank, rank));
        SafetensorsWriter writer = new SafetensorsWriter();
        linears().forEach((path, shape) -> {
            String prefix = "base_model.model." + path;
            add(writer, prefix + ".lora_A.weight", random, 1 / Math.sqrt(shape[1]), rank, shape[1]);
            add(writer, prefix + ".lora_B.weight", random, 0.1 / Math.sqrt(rank), shape[0], rank);
        });
        write(writer, folder.resolve("adapter_model.safetensors"));
    }

    /** Random unit vectors in the place of prototypes. */
    Map<String, ModulePrototype> prototypes(int rank, Random random) {
        Map<String, ModulePrototype> prototypes = new HashMap<>();
        linears().forEach((path, shape) -> {
            float[] vector = new float[shape[1]];
            double square = 0;
            for (int i = 0; i < vector.length; i++) {
                vector[i] = (float) random.nextGaussian();
                square += vector[i] * vector[i];
            }
            for (int i = 0; i < vector.length; i++) {
                vector[i] /= (float) Math.sqrt(square);
            }
            prototypes.put(path, new ModulePrototype(path, rank, 1, vector, new double[] {1}));
        });
        return prototypes;
    }

    private static void add(SafetensorsWriter writer, String name, Random random, double deviation, long... shape) {
        int elements = 1;
        for (long size : shape) {
            elements = Math.multiplyExact(elements, (int) size);
        }
        ByteBuffer data = ByteBuffer.allocate(2 * elements).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < elements; i++) {
            // Uniform with that deviation: quicker than a normal distribution, and as good here.
            float value = (float) ((random.nextFloat() - 0.5) * Math.sqrt(12) * deviation);
            data.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
        }
        List<Long> sizes = java.util.Arrays.stream(shape).boxed().toList();
        writer.tensor(name, DType.BF16, sizes, data.array());
    }

    private static void write(SafetensorsWriter writer, Path file) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
            writer.writeTo(out);
        }
    }
}
