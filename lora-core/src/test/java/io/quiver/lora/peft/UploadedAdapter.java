package io.quiver.lora.peft;

import io.quiver.lora.Fixtures;
import io.quiver.lora.model.BaseModules;
import io.quiver.lora.model.LinearShape;
import io.quiver.lora.safetensors.DType;
import io.quiver.lora.safetensors.SafetensorsWriter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A valid adapter of rank 2 on q_proj of two layers, which tests spoil in one way each. */
final class UploadedAdapter {
    static final String Q0 = "model.layers.0.self_attn.q_proj";
    static final String Q1 = "model.layers.1.self_attn.q_proj";
    static final String PREFIX = "base_model.model.";

    /** Two layers, q_proj 6 → 4 and mlp.up_proj 6 → 8, an embedding and a head. */
    static final BaseModules BASE = new BaseModules(
            new TreeMap<>(Map.of(
                    Q0,
                    new LinearShape(6, 4),
                    Q1,
                    new LinearShape(6, 4),
                    "model.layers.0.mlp.up_proj",
                    new LinearShape(6, 8),
                    "model.layers.1.mlp.up_proj",
                    new LinearShape(6, 8))),
            new TreeSet<>(Set.of("model.embed_tokens", "lm_head")));

    private static final JsonMapper JSON = new JsonMapper();

    private record Tensor(DType dtype, List<Long> shape, byte[] data) {}

    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final ObjectNode config = JSON.createObjectNode();

    UploadedAdapter() {
        config.put("peft_type", "LORA")
                .put("r", 2)
                .put("lora_alpha", 4)
                .putArray("target_modules")
                .add("q_proj");
        module(PREFIX + Q0).module(PREFIX + Q1);
    }

    /** A field of the configuration, given as JSON; null removes it. */
    UploadedAdapter config(String field, String json) {
        if (json == null) {
            config.remove(field);
        } else {
            config.set(field, JSON.readTree(json));
        }
        return this;
    }

    /** A (2, 6) and B (4, 2) under a prefix. */
    UploadedAdapter module(String path) {
        return tensor(path + ".lora_A.weight", 2, 6).tensor(path + ".lora_B.weight", 4, 2);
    }

    UploadedAdapter tensor(String name, long... shape) {
        return tensor(name, DType.F32, shape);
    }

    UploadedAdapter tensor(String name, DType dtype, long... shape) {
        long elements = Arrays.stream(shape).reduce(1, (x, y) -> x * y);
        byte[] data = new byte[Math.toIntExact(elements * dtype.elementBytes())];
        Arrays.fill(data, (byte) 1);
        tensors.put(name, new Tensor(dtype, Arrays.stream(shape).boxed().toList(), data));
        return this;
    }

    /** Makes the last byte of a tensor's elements all ones: NaN in every floating-point type. */
    UploadedAdapter notANumber(String name) {
        byte[] data = tensors.get(name).data();
        Arrays.fill(data, data.length - 4, data.length, (byte) 0xff);
        return this;
    }

    UploadedAdapter without(String name) {
        if (tensors.remove(name) == null) {
            throw new IllegalArgumentException(name);
        }
        return this;
    }

    UploadedAdapter withoutTensors() {
        tensors.clear();
        return this;
    }

    byte[] configBytes() {
        return JSON.writeValueAsBytes(config);
    }

    byte[] weightsBytes() {
        SafetensorsWriter writer = new SafetensorsWriter();
        tensors.forEach((name, tensor) -> writer.tensor(name, tensor.dtype(), tensor.shape(), tensor.data()));
        return writer.toBytes();
    }

    AdapterValidation validate() {
        return validate(AdapterLimits.DEFAULT);
    }

    AdapterValidation validate(AdapterLimits limits) {
        return new ValidateAdapter(limits).validate(configBytes(), Fixtures.inspect(weightsBytes()), BASE);
    }

    /** Codes of all violations; empty if the adapter is valid. */
    List<String> codes() {
        return codes(validate());
    }

    static List<String> codes(AdapterValidation validation) {
        return validation instanceof AdapterValidation.Invalid invalid
                ? invalid.violations().stream().map(Violation::code).toList()
                : List.of();
    }
}
