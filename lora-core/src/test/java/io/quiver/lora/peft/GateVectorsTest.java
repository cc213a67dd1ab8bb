package io.quiver.lora.peft;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.lora.Fixtures;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.SafetensorsWriter;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Adapters that bring a gate vector beside A and B of a module. */
class GateVectorsTest {
    private static final String FOLDER = "adapters/r1-qv";
    private static final String PREFIX = "base_model.model.";
    private static final String Q = "model.layers.0.self_attn.q_proj";

    @TempDir
    private Path folder;

    /** The adapter with one tensor more. */
    private AdapterValidation with(String name, float... values) throws IOException {
        byte[] weights = weights(name, values);
        byte[] config = Fixtures.bytes(FOLDER + "/adapter_config.json");
        Files.write(folder.resolve(LoraAdapter.WEIGHTS_FILE), weights);
        Files.write(folder.resolve(LoraAdapter.CONFIG_FILE), config);
        return new ValidateAdapter(AdapterLimits.DEFAULT)
                .validate(config, Fixtures.inspect(weights), Fixtures.base("llama"));
    }

    private static byte[] weights(String name, float... values) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter();
        try (SafetensorsFile file = SafetensorsFile.open(
                Fixtures.path(FOLDER + "/" + LoraAdapter.WEIGHTS_FILE), SafetensorsLimits.ADAPTER)) {
            for (TensorInfo tensor : file.header().tensors()) {
                writer.floats(tensor.name(), tensor.shape(), file.floats(tensor.name()));
            }
        }
        return writer.floats(name, List.of((long) values.length), values).toBytes();
    }

    @Test
    void a_gate_vector_is_read_with_its_module_and_the_others_have_none() throws IOException {
        float[] vector = new float[72];
        vector[3] = 0.5f;
        assertThat(with(PREFIX + Q + ".gate_vector", vector)).isInstanceOf(AdapterValidation.Valid.class);
        try (LoraAdapter adapter = LoraAdapter.open(folder, AdapterLimits.DEFAULT)) {
            for (LoraModule module : adapter.modules()) {
                Optional<float[]> found = adapter.gateVector(module);
                assertThat(found.isPresent()).isEqualTo(module.path().equals(Q));
                found.ifPresent(read -> assertThat(read).isEqualTo(vector));
            }
        }
    }

    @Test
    void a_gate_vector_of_another_length_is_refused() throws IOException {
        assertThat(codes(with(PREFIX + Q + ".gate_vector", new float[71])))
                .containsExactly(ViolationCode.SHAPE_MISMATCH.code());
    }

    @Test
    void a_gate_vector_of_a_module_without_lora_is_refused() throws IOException {
        assertThat(codes(with(PREFIX + "model.layers.0.mlp.up_proj.gate_vector", new float[72])))
                .containsExactly(ViolationCode.UNKNOWN_TENSOR.code());
    }

    private static List<String> codes(AdapterValidation validation) {
        return ((AdapterValidation.Invalid) validation)
                .violations().stream().map(Violation::code).toList();
    }
}
