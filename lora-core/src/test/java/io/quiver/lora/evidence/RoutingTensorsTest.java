package io.quiver.lora.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.lora.safetensors.InvalidSafetensorsException;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsHeader;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.SafetensorsWriter;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RoutingTensorsTest {
    private final RandomBase made = new RandomBase(1);

    @TempDir
    Path folder;

    @Test
    void the_beginning_of_a_calibration_is_all_that_a_router_reads_and_no_byte_more() throws IOException {
        byte[] whole = RandomBase.file(made.calibration());
        int end = end(whole);

        assertSameReading(whole, Arrays.copyOf(whole, end));
        assertThatThrownBy(() -> CalibrationFile.readFrames(file(Arrays.copyOf(whole, end - 1))))
                .isInstanceOf(InvalidCalibrationFileException.class)
                .hasMessageContaining("lies beyond");
    }

    @Test
    void beside_what_routers_read_only_small_tensors_lie_at_the_beginning() throws IOException {
        byte[] whole = RandomBase.file(made.calibration());
        SafetensorsHeader header = header(whole);
        long end = end(whole) - header.dataOffsetBytes();

        assertThat(header.tensors().stream()
                        .filter(tensor -> tensor.endBytes() <= end)
                        .filter(tensor -> tensor.dtype().elementBytes() < Double.BYTES)
                        .map(TensorInfo::name))
                .containsExactly("whitening." + RandomBase.POINTS.get(2));
    }

    @Test
    void a_whitening_of_low_rank_lies_at_the_beginning_too() throws IOException {
        ProbePoint point = RandomBase.POINTS.get(2);
        PointCalibration low = new FitCalibration(0.1, 1, 0, 4).fit(point, made.inputs.get(point), made.requests);
        PointCalibration other = made.calibration().points().get(RandomBase.POINTS.get(0));
        byte[] whole = RandomBase.file(BaseCalibration.of("a", "sha256:b", made.requests, List.of(low, other)));

        assertSameReading(whole, Arrays.copyOf(whole, end(whole)));
        assertThat(end(whole)).isLessThanOrEqualTo((int) (header(whole).dataOffsetBytes()
                + header(whole).tensor("whitening." + other.point()).beginBytes()));
    }

    @Test
    void a_file_whose_tensors_lie_in_another_order_has_a_longer_beginning() throws IOException {
        byte[] whole = RandomBase.file(made.calibration());
        SafetensorsWriter writer = new SafetensorsWriter();
        try (SafetensorsFile file = SafetensorsFile.open(file(whole), SafetensorsLimits.ADAPTER)) {
            file.header().metadata().forEach(writer::metadata);
            for (TensorInfo tensor : file.header().tensors()) {
                byte[] data = new byte[(int) tensor.sizeBytes()];
                file.bytes(tensor.name()).get(data);
                writer.tensor(tensor.name(), tensor.dtype(), tensor.shape(), data);
            }
        }
        byte[] ordered = writer.toBytes();

        assertThat(end(ordered)).isGreaterThan(end(whole)).isLessThan(ordered.length);
        assertSameReading(whole, Arrays.copyOf(ordered, end(ordered)));
    }

    @Test
    void adapters_are_not_measured_against_the_beginning() {
        byte[] whole = RandomBase.file(made.calibration());
        assertThatThrownBy(() -> CalibrationFile.read(file(Arrays.copyOf(whole, end(whole))), RandomBase.POINTS))
                .isInstanceOf(InvalidSafetensorsException.class);
    }

    @Test
    void another_file_has_no_such_beginning() {
        SafetensorsWriter other = new SafetensorsWriter().floats("a", List.of(1L), new float[1]);
        assertThatThrownBy(() -> end(other.toBytes())).isInstanceOf(InvalidCalibrationFileException.class);
        byte[] whole = RandomBase.file(made.calibration());
        for (int cut : new int[] {0, 7, 8, 100}) {
            assertThatThrownBy(() -> end(Arrays.copyOf(whole, cut))).isInstanceOf(InvalidSafetensorsException.class);
        }
    }

    private void assertSameReading(byte[] whole, byte[] beginning) throws IOException {
        Path file = file(whole);
        List<PointBaseline> baselines = CalibrationFile.readBaselines(file);
        List<CompareExamples.Frame> frames = CalibrationFile.readFrames(file);
        file = file(beginning);
        assertThat(CalibrationFile.readBaselines(file))
                .usingRecursiveComparison()
                .isEqualTo(baselines);
        assertThat(CalibrationFile.readFrames(file)).usingRecursiveComparison().isEqualTo(frames);
        assertThat(frames).isNotEmpty();
    }

    private static SafetensorsHeader header(byte[] bytes) throws IOException {
        return SafetensorsHeader.read(new ByteArrayInputStream(bytes), SafetensorsLimits.ADAPTER);
    }

    private static int end(byte[] bytes) throws IOException {
        return (int) RoutingTensors.endBytes(header(bytes));
    }

    private Path file(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("calibration.safetensors"), bytes);
    }
}
