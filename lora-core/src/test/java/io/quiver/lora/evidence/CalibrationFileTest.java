package io.quiver.lora.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.quiver.lora.safetensors.DType;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written of a calibration is read back, whole or in part. */
class CalibrationFileTest {
    private static final ProbePoint LAST = RandomBase.POINTS.get(3);

    @TempDir
    Path folder;

    @Test
    void what_is_written_is_read_back() throws IOException {
        BaseCalibration written = new RandomBase(1).singleCalibration();

        BaseCalibration read = CalibrationFile.read(file(RandomBase.file(written)), RandomBase.POINTS);

        assertThat(read.algorithm()).isEqualTo(FitCalibration.ALGORITHM);
        assertThat(read.baseDigest()).isEqualTo(written.baseDigest());
        assertThat(read.requests()).usingRecursiveComparison().isEqualTo(written.requests());
        assertThat(read.points().keySet()).isEqualTo(written.points().keySet());
        for (ProbePoint point : RandomBase.POINTS) {
            PointCalibration before = written.points().get(point);
            PointCalibration after = read.points().get(point);
            assertThat(after.baseline()).usingRecursiveComparison().isEqualTo(before.baseline());
            assertThat(after.lastMean()).isEqualTo(before.lastMean());
            assertThat(after.statisticsNorms()).isEqualTo(before.statisticsNorms());
            assertThat(after.thresholdNorms()).isEqualTo(before.thresholdNorms());
            assertThat(after.whitening().matrix())
                    .containsExactly(before.whitening().matrix(), within(1e-6));
            rounded(after.statistics().singles(), before.statistics().singles());
            rounded(after.threshold().singles(), before.threshold().singles());
        }
    }

    private static void rounded(float[] after, float[] before) { // (tokens × in) both
        assertThat(after).hasSameSizeAs(before);
        for (int i = 0; i < after.length; i++) {
            assertThat(after[i]).isCloseTo(before[i], within(Math.abs(before[i]) / 2048 + 1e-5f));
        }
    }

    @Test
    void an_adapter_measured_against_the_file_is_what_it_was_before() throws IOException {
        BaseCalibration written = new RandomBase(1).calibration();
        Map<ProbePoint, List<ModuleUpdate>> adapter = RandomBase.adapter(5, 4, 1);

        AdapterEvidence before = RandomBase.measure(written, adapter);
        AdapterEvidence after =
                RandomBase.measure(CalibrationFile.read(file(RandomBase.file(written)), RandomBase.POINTS), adapter);

        assertThat(after.outside()).containsExactly(before.outside(), within(0.02));
    }

    @Test
    void the_same_calibration_gives_the_same_bytes_also_after_it_was_read() throws IOException {
        byte[] first = RandomBase.file(new RandomBase(2).singleCalibration());
        byte[] second = RandomBase.file(new RandomBase(2).singleCalibration());
        byte[] third = RandomBase.file(CalibrationFile.read(file(first), RandomBase.POINTS));

        assertThat(second).isEqualTo(first);
        assertThat(third).isEqualTo(first);
    }

    @Test
    void a_whitening_of_low_rank_is_read_back() throws IOException {
        RandomBase made = new RandomBase(1);
        PointCalibration point = new FitCalibration(0.1, 1, 0, 4).fit(LAST, made.inputs.get(LAST), made.requests);
        BaseCalibration written = BaseCalibration.of("a", "sha256:b", made.requests, List.of(point));

        Whitening.LowRank before = (Whitening.LowRank) point.whitening();
        Whitening.LowRank after =
                (Whitening.LowRank) CalibrationFile.read(file(RandomBase.file(written)), List.of(LAST))
                        .points()
                        .get(LAST)
                        .whitening();

        assertThat(after.floor()).isEqualTo(before.floor());
        assertThat(after.gains()).isEqualTo(before.gains());
        assertThat(after.vectors()).containsExactly(before.vectors(), within(1e-7));
    }

    @Test
    void only_the_points_that_are_wanted_are_read() throws IOException {
        Path file = file(RandomBase.file(new RandomBase(1).calibration()));

        assertThat(CalibrationFile.points(file)).isEqualTo(RandomBase.POINTS);
        assertThat(CalibrationFile.read(file, List.of(LAST)).points()).containsOnlyKeys(LAST);
        assertThatThrownBy(() -> CalibrationFile.read(file, List.of()))
                .isInstanceOf(InvalidCalibrationFileException.class)
                .hasMessageContaining("at least one point");
    }

    @Test
    void what_a_router_needs_is_read_alone() throws IOException {
        BaseCalibration written = new RandomBase(1).calibration();
        Path file = file(RandomBase.file(written));

        assertThat(CalibrationFile.readBaselines(file))
                .usingRecursiveComparison()
                .isEqualTo(written.baselines());
        assertThat(CalibrationFile.readFrames(file))
                .extracting(CompareExamples.Frame::point)
                .containsExactly(RandomBase.POINTS.get(2));
    }

    @Test
    void activations_and_matrices_are_stored_small() throws IOException {
        try (SafetensorsFile file = SafetensorsFile.open(
                file(RandomBase.file(new RandomBase(1).calibration())), SafetensorsLimits.ADAPTER)) {
            assertThat(file.header().tensor("inputs.statistics." + LAST).dtype())
                    .isEqualTo(DType.F16);
            assertThat(file.header().tensor("whitening." + LAST).dtype()).isEqualTo(DType.F32);
        }
    }

    private Path file(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("calibration.safetensors"), bytes);
    }
}
