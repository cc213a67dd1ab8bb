package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.UnsupportedModelException;
import io.quiver.lora.model.InvalidBaseModelException;
import io.quiver.lora.safetensors.DType;
import io.quiver.lora.safetensors.InvalidSafetensorsException;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.SafetensorsWriter;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Model folders that are not as they should be, and legal ones that are unusual. */
class ModelLoadingTest {
    private static final int[] IDS = {57, 8, 99, 140};

    @TempDir
    Path folder;

    @BeforeEach
    void copyConfig() throws IOException {
        Files.copy(Fixtures.path("models/llama/config.json"), folder.resolve("config.json"));
    }

    private TorchDecoder open() throws IOException {
        return TorchDecoder.open(folder, DecoderSettings.cpu(Precision.FP32, 1));
    }

    /** Writes the model of the fixtures with some tensors changed; null leaves one out. */
    private void write(UnaryOperator<Changed> change, String... extra) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter();
        try (SafetensorsFile file =
                SafetensorsFile.open(Fixtures.path("models/llama/model.safetensors"), SafetensorsLimits.BASE_MODEL)) {
            for (TensorInfo tensor : file.header().tensors()) {
                Changed changed =
                        change.apply(new Changed(tensor.name(), tensor.shape(), DType.F32, file.floats(tensor.name())));
                if (changed != null) {
                    writer.tensor(changed.name, changed.dtype, changed.shape, changed.bytes());
                }
            }
        }
        for (String name : extra) {
            writer.floats(name, List.of(2L), new float[2]);
        }
        Files.write(folder.resolve("model.safetensors"), writer.toBytes());
    }

    private record Changed(String name, List<Long> shape, DType dtype, float[] values) {
        byte[] bytes() {
            ByteBuffer bytes =
                    ByteBuffer.allocate(values.length * dtype.elementBytes()).order(ByteOrder.LITTLE_ENDIAN);
            for (float value : values) {
                if (dtype == DType.F64) {
                    bytes.putDouble(value);
                } else {
                    bytes.putFloat(value);
                }
            }
            return bytes.array();
        }
    }

    private static float[][] expected() {
        try (TorchDecoder decoder = Fixtures.open("llama", Precision.FP32)) {
            return Fixtures.logits(decoder, new Routing.Base(), IDS);
        }
    }

    @Test
    void element_types_may_differ_within_one_file() throws IOException {
        write(t -> t.name.contains("mlp") ? new Changed(t.name, t.shape, DType.F64, t.values) : t);
        try (TorchDecoder decoder = open()) {
            assertThat(Fixtures.maxDifference(Fixtures.logits(decoder, new Routing.Base(), IDS), expected()))
                    .isLessThan(1e-5);
        }
    }

    @Test
    void data_that_begins_at_an_odd_byte_is_read_all_the_same() throws IOException {
        byte[] file = Files.readAllBytes(Fixtures.path("models/llama/model.safetensors"));
        long header = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
        ByteArrayOutputStream shifted = new ByteArrayOutputStream();
        shifted.write(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header + 1)
                .array());
        shifted.write(file, 8, (int) header);
        shifted.write(' ');
        shifted.write(file, 8 + (int) header, file.length - 8 - (int) header);
        Files.write(folder.resolve("model.safetensors"), shifted.toByteArray());
        try (TorchDecoder decoder = open()) {
            assertThat(Fixtures.maxDifference(Fixtures.logits(decoder, new Routing.Base(), IDS), expected()))
                    .isLessThan(1e-5);
        }
    }

    @Test
    void the_text_for_other_devices_gives_the_same_logits_on_the_cpu() throws IOException {
        DecoderSettings settings = DecoderSettings.cpu(Precision.FP32, 1);
        Path model = Fixtures.path("models/llama");
        try (TorchDecoder decoder = TorchDecoder.open(model, settings, DecoderProgram.PLAIN)) {
            assertThat(Fixtures.maxDifference(Fixtures.logits(decoder, new Routing.Base(), IDS), expected()))
                    .isLessThan(5e-5);
        }
    }

    @Test
    void a_missing_tensor_is_named() throws IOException {
        write(t -> t.name.equals("model.layers.1.mlp.up_proj.weight") ? null : t);
        assertThatThrownBy(this::open)
                .isInstanceOf(InvalidBaseModelException.class)
                .hasMessageContaining("model.layers.1.mlp.up_proj.weight");
    }

    @Test
    void a_tensor_of_another_shape_is_named() throws IOException {
        write(t -> t.name.equals("model.norm.weight")
                ? new Changed(t.name, List.of(71L), t.dtype, Arrays.copyOf(t.values, 71))
                : t);
        assertThatThrownBy(this::open)
                .isInstanceOf(InvalidBaseModelException.class)
                .hasMessageContaining("model.norm.weight")
                .hasMessageContaining("[71]")
                .hasMessageContaining("[72]");
    }

    @Test
    void a_tensor_that_the_configuration_does_not_call_for_is_refused_instead_of_ignored() throws IOException {
        write(t -> t, "model.layers.0.self_attn.q_proj.bias");
        assertThatThrownBy(this::open)
                .isInstanceOfSatisfying(
                        UnsupportedModelException.class,
                        e -> assertThat(e.where()).isEqualTo("model.layers.0.self_attn.q_proj.bias"));
    }

    @Test
    void a_truncated_file_is_refused() throws IOException {
        byte[] file = Files.readAllBytes(Fixtures.path("models/llama/model.safetensors"));
        Files.write(folder.resolve("model.safetensors"), Arrays.copyOf(file, file.length - 1));
        assertThatThrownBy(this::open).isInstanceOf(InvalidSafetensorsException.class);
    }

    @Test
    void a_missing_shard_is_refused() throws IOException {
        Path sharded = Fixtures.path("models/llama-tied-sharded");
        for (String name : List.of("config.json", "model.safetensors.index.json", "model-00001-of-00004.safetensors")) {
            Files.copy(sharded.resolve(name), folder.resolve(name), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        }
        assertThatThrownBy(this::open)
                .isInstanceOf(InvalidBaseModelException.class)
                .hasMessageContaining("model-0000");
    }
}
