package io.quiver.registry;

import io.quiver.lora.safetensors.DType;
import io.quiver.lora.safetensors.SafetensorsWriter;
import io.quiver.registry.RegistryHttp.Form;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;

/** Base models and adapters of a few hundred bytes, made up from a seed: right, or wrong in one way. */
public final class TinyModels {
    static final int HIDDEN = 8;
    static final int LAYERS = 2;
    static final int RANK = 2;

    private TinyModels() {}

    static String path(int layer) {
        return "model.layers." + layer + ".self_attn.q_proj";
    }

    /** A base model of two layers with one linear module each, hidden wide. */
    static Form base(int hidden, long seed) {
        Random random = new Random(seed);
        SafetensorsWriter weights = new SafetensorsWriter();
        for (int layer = 0; layer < LAYERS; layer++) {
            weights.floats(
                    path(layer) + ".weight", List.of((long) hidden, (long) hidden), floats(random, hidden * hidden));
        }
        weights.floats("model.embed_tokens.weight", List.of(4L, (long) hidden), floats(random, 4 * hidden));
        return new Form()
                .part("config.json", "{\"model_type\": \"llama\", \"hidden_size\": " + hidden + "}")
                .part("tokenizer.json", "{\"version\": \"1.0\"}")
                .part("model.safetensors", weights.toBytes());
    }

    /** An adapter that is to be changed before it is uploaded. */
    static Draft adapter(long seed) {
        return new Draft(seed);
    }

    static final class Draft {
        private final TreeMap<String, float[]> tensors = new TreeMap<>();
        private final TreeMap<String, List<Long>> shapes = new TreeMap<>();
        private String config =
                "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 4, \"target_modules\": [\"q_proj\"]}";

        Draft(long seed) {
            Random random = new Random(seed);
            for (int layer = 0; layer < LAYERS; layer++) {
                tensor(a(layer), List.of((long) RANK, (long) HIDDEN), floats(random, RANK * HIDDEN));
                tensor(b(layer), List.of((long) HIDDEN, (long) RANK), floats(random, RANK * HIDDEN));
            }
        }

        static String a(int layer) {
            return "base_model.model." + path(layer) + ".lora_A.weight";
        }

        static String b(int layer) {
            return "base_model.model." + path(layer) + ".lora_B.weight";
        }

        Draft tensor(String name, List<Long> shape, float[] values) {
            tensors.put(name, values);
            shapes.put(name, shape);
            return this;
        }

        Draft without(String name) {
            tensors.remove(name);
            shapes.remove(name);
            return this;
        }

        Draft config(String json) {
            config = json;
            return this;
        }

        /** Adds fields to the configuration. */
        Draft with(String fields) {
            config = config.substring(0, config.length() - 1) + ", " + fields + "}";
            return this;
        }

        Draft replaceInConfig(String from, String to) {
            config = config.replace(from, to);
            return this;
        }

        String config() {
            return config;
        }

        float[] values(String name) {
            return tensors.get(name);
        }

        byte[] weights() {
            SafetensorsWriter writer = new SafetensorsWriter();
            tensors.forEach((name, values) -> writer.floats(name, shapes.get(name), values));
            return writer.toBytes();
        }

        Form form(String base) {
            return form(base, weights());
        }

        Form form(String base, byte[] weights) {
            Form form = new Form().part("adapter_config.json", config).part("adapter_model.safetensors", weights);
            return base.isEmpty() ? form : form.part("base", base);
        }
    }

    /** A file with this header and so many zero bytes behind it. */
    static byte[] safetensors(String headerJson, int dataBytes) {
        byte[] json = headerJson.getBytes(StandardCharsets.UTF_8);
        byte[] file = new byte[8 + json.length + dataBytes];
        for (int i = 0; i < 8; i++) {
            file[i] = (byte) ((long) json.length >>> (8 * i));
        }
        System.arraycopy(json, 0, file, 8, json.length);
        return file;
    }

    static byte[] integers(String name, int count) {
        return new SafetensorsWriter()
                .tensor(name, DType.I32, List.of((long) count), new byte[4 * count])
                .toBytes();
    }

    static float[] floats(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
