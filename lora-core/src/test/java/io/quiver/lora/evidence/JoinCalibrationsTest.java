package io.quiver.lora.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JoinCalibrationsTest {
    @TempDir
    Path folder;

    /** One file a point. */
    private List<Path> parts(BaseCalibration whole) throws IOException {
        List<Path> parts = new ArrayList<>();
        for (PointCalibration point : whole.points().values()) {
            parts.add(file(
                    whole.requests().hashCode() + point.point().name(),
                    BaseCalibration.of(whole.algorithm(), whole.baseDigest(), whole.requests(), List.of(point))));
        }
        return parts;
    }

    private Path file(String name, BaseCalibration calibration) throws IOException {
        Path file = folder.resolve(name);
        try (OutputStream out = Files.newOutputStream(file)) {
            CalibrationFile.write(calibration, out);
        }
        return file;
    }

    private static byte[] joined(List<Path> parts) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        CalibrationFile.join(parts, out);
        return out.toByteArray();
    }

    @Test
    void parts_with_a_point_each_become_the_file_of_all_points() throws IOException {
        BaseCalibration whole = new RandomBase(1).singleCalibration();
        byte[] expected = Files.readAllBytes(file("whole", whole));

        List<Path> parts = parts(whole);
        assertThat(parts).hasSizeGreaterThan(2);
        assertThat(joined(parts)).isEqualTo(expected);
        assertThat(joined(List.of(folder.resolve("whole")))).isEqualTo(expected);
    }

    @Test
    void parts_of_different_calibrations_and_of_the_same_point_are_refused() throws IOException {
        List<Path> parts = parts(new RandomBase(1).singleCalibration());
        List<Path> others = parts(new RandomBase(2).singleCalibration());

        refused("different requests", List.of(parts.get(0), others.get(1)));
        refused("is taken", List.of(parts.get(0), parts.get(0)));
        refused("nothing to join", List.of());
        BaseCalibration renamed = new RandomBase(1).singleCalibration();
        Path other = file(
                "other", new BaseCalibration("another", renamed.baseDigest(), renamed.requests(), renamed.points()));
        refused("metadata", List.of(parts.get(0), other));
    }

    private static void refused(String message, List<Path> parts) {
        assertThatThrownBy(() -> joined(parts))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }
}
