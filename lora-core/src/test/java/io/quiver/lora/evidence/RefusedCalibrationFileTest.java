package io.quiver.lora.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.lora.safetensors.InvalidSafetensorsException;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.SafetensorsWriter;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that are no calibration, or more than is read. */
class RefusedCalibrationFileTest {
    private static final ProbePoint LAST = RandomBase.POINTS.get(3);

    @TempDir
    Path folder;

    @Test
    void a_truncated_or_longer_file_is_refused() {
        byte[] bytes = RandomBase.file(new RandomBase(1).calibration());

        assertThatThrownBy(() -> CalibrationFile.points(file(Arrays.copyOf(bytes, bytes.length - 1))))
                .isInstanceOf(InvalidSafetensorsException.class);
        assertThatThrownBy(() -> CalibrationFile.points(file(Arrays.copyOf(bytes, bytes.length + 1))))
                .isInstanceOf(InvalidSafetensorsException.class);
        assertThatThrownBy(() -> CalibrationFile.points(file(new byte[4])))
                .isInstanceOf(InvalidSafetensorsException.class);
    }

    @Test
    void another_version_and_other_files_are_refused() {
        refused("version 2", Map.of("format_version", "2"), Map.of());
        refused("prefix_tokens is no number", Map.of("prefix_tokens", "two"), Map.of());
        refused("no base_digest", Map.of("base_digest", ""), Map.of());
        assertThatThrownBy(() -> CalibrationFile.points(file(new SafetensorsWriter().toBytes())))
                .isInstanceOf(InvalidCalibrationFileException.class)
                .hasMessageContaining("not a calibration");
    }

    @Test
    void tensors_that_are_missing_unknown_or_of_another_shape_are_refused() {
        refused("is missing", Map.of(), Map.of("norm." + LAST, Change.REMOVED));
        refused("is missing", Map.of(), Map.of("tokens.fit", Change.REMOVED));
        refused("unknown tensor extra." + LAST, Map.of(), Map.of("extra." + LAST, Change.ADDED));
        refused("unknown tensor other", Map.of(), Map.of("other", Change.ADDED));
        for (String tensor : List.of("whitening.", "directions.", "inputs.statistics.", "norms.threshold.", "unit.")) {
            refused("the tensor " + tensor + LAST, Map.of(), Map.of(tensor + LAST, Change.SHORTER));
        }
        refused("the set fit", Map.of(), Map.of("lengths.fit", Change.SHORTER));
    }

    @Test
    void numbers_that_cannot_be_are_refused() {
        for (String tensor : List.of("mean.", "whitening.", "norms.statistics.")) {
            refused("not finite", Map.of(), Map.of(tensor + LAST, Change.NAN));
        }
        refused("the norms of " + LAST, Map.of(), Map.of("norm." + LAST, Change.NEGATIVE));
        refused("the unit of " + LAST, Map.of(), Map.of("unit." + LAST, Change.NEGATIVE));
        refused("the tensor lengths.fit has the element", Map.of(), Map.of("lengths.fit", Change.NEGATIVE));
    }

    @Test
    void a_point_as_wide_as_the_limit_is_read_and_a_wider_one_refused() {
        refused("the tensor directions." + LAST, CalibrationFile.WIDTH_MAX);
        refused("at most 32768 are read", CalibrationFile.WIDTH_MAX + 1);
    }

    private void refused(String message, int width) {
        SafetensorsWriter writer = changed(Map.of(), Map.of("mean." + LAST, Change.REMOVED));
        writer.doubles("mean." + LAST, List.of((long) width), new double[width]);
        assertThatThrownBy(() -> CalibrationFile.readBaselines(file(writer.toBytes())))
                .isInstanceOf(InvalidCalibrationFileException.class)
                .hasMessageContaining(message);
    }

    @Test
    void a_file_as_large_as_the_limit_is_looked_at_and_a_larger_one_is_not() throws IOException {
        Path sparse = folder.resolve("sparse");
        try (RandomAccessFile file = new RandomAccessFile(sparse.toFile(), "rw")) {
            file.setLength(CalibrationFile.BYTES_MAX);
            assertThatThrownBy(() -> CalibrationFile.points(sparse)).isInstanceOf(InvalidSafetensorsException.class);
            file.setLength(CalibrationFile.BYTES_MAX + 1);
            assertThatThrownBy(() -> CalibrationFile.points(sparse))
                    .isInstanceOf(InvalidCalibrationFileException.class)
                    .hasMessageContaining("at most");
        }
    }

    @Test
    void as_many_and_as_long_requests_as_the_limits_allow_are_taken_and_no_more() {
        List<int[]> some = List.of(new int[2], new int[2], new int[2]);
        List<int[]> many = Collections.nCopies(GenericRequests.REQUESTS_MAX, new int[2]);
        List<int[]> tooMany = Collections.nCopies(GenericRequests.REQUESTS_MAX + 1, new int[2]);

        assertThat(new GenericRequests(1, many, some, some).fit()).hasSize(GenericRequests.REQUESTS_MAX);
        assertThatThrownBy(() -> new GenericRequests(1, tooMany, some, some)).hasMessageContaining("the set fit");
        assertThat(new GenericRequests(1, List.of(new int[GenericRequests.TOKENS_MAX]), some, some))
                .isNotNull();
        assertThatThrownBy(() -> new GenericRequests(1, List.of(new int[GenericRequests.TOKENS_MAX + 1]), some, some))
                .hasMessageContaining("4097 tokens");
        assertThatThrownBy(() -> new GenericRequests(2, some, some, some)).hasMessageContaining("more than the prefix");
        assertThatThrownBy(() -> new GenericRequests(1, some, some.subList(0, 2), some))
                .hasMessageContaining("it needs 3");
    }

    @Test
    void inputs_far_beyond_the_usual_are_not_written() {
        BaseCalibration base = new RandomBase(1).singleCalibration();
        PointCalibration point = base.points().get(LAST);
        float[] values = point.threshold().singles();
        values[3] = 1e9f;
        PointCalibration odd = new PointCalibration(
                point.baseline(),
                point.whitening(),
                point.lastMean(),
                point.statistics(),
                new SampledInputs(13, values),
                point.statisticsNorms(),
                point.thresholdNorms());

        assertThatThrownBy(() -> RandomBase.file(BaseCalibration.of("a", "sha256:b", base.requests(), List.of(odd))))
                .hasMessageContaining("no number of type F16");
    }

    private enum Change {
        REMOVED,
        ADDED,
        SHORTER,
        NAN,
        NEGATIVE
    }

    private void refused(String message, Map<String, String> metadata, Map<String, Change> changes) {
        byte[] bytes = changed(metadata, changes).toBytes();
        assertThatThrownBy(() -> CalibrationFile.read(file(bytes), RandomBase.POINTS))
                .isInstanceOf(InvalidCalibrationFileException.class)
                .hasMessageContaining(message);
    }

    /** A valid file with something changed. */
    private SafetensorsWriter changed(Map<String, String> metadata, Map<String, Change> changes) {
        try (SafetensorsFile valid = SafetensorsFile.open(
                file(RandomBase.file(new RandomBase(1).calibration())), SafetensorsLimits.ADAPTER)) {
            SafetensorsWriter writer = new SafetensorsWriter();
            Map<String, String> all = new TreeMap<>(valid.header().metadata());
            all.putAll(metadata);
            all.forEach(writer::metadata);
            for (TensorInfo tensor : valid.header().tensors()) {
                copy(valid, tensor, changes.get(tensor.name()), writer);
            }
            changes.forEach((name, change) -> {
                if (change == Change.ADDED) {
                    writer.doubles(name, List.of(1L), new double[1]);
                }
            });
            return writer;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void copy(SafetensorsFile file, TensorInfo tensor, Change change, SafetensorsWriter writer)
            throws IOException {
        if (change == Change.REMOVED) {
            return;
        }
        byte[] data = new byte[(int) tensor.sizeBytes()];
        file.bytes(tensor.name()).get(data);
        int element = tensor.dtype().elementBytes();
        List<Long> shape = tensor.shape();
        if (change == Change.SHORTER) {
            data = Arrays.copyOf(data, data.length / tensor.shape().get(0).intValue());
            shape = new ArrayList<>(shape);
            shape.set(0, 1L);
            if (tensor.shape().get(0) == 1) {
                data = new byte[0];
                shape.set(0, 0L);
            }
        } else if (change == Change.NAN) {
            Arrays.fill(data, 0, element, (byte) -1);
        } else if (change == Change.NEGATIVE) {
            data[element - 1] |= (byte) 0x80;
        }
        writer.tensor(tensor.name(), tensor.dtype(), shape, data);
    }

    private Path file(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("calibration.safetensors"), bytes);
    }
}
