package io.quiver.lora.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.quiver.lora.arrow.InvalidPrototypeFileException;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeFile;
import io.quiver.lora.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Evidence and examples in prototype files. */
class EvidenceTensorsTest {
    private static final String ADAPTER = "sha256:" + "ab".repeat(32);
    private static final ModulePrototype PROTOTYPE =
            new ModulePrototype("model.layers.0.self_attn.q_proj", 1, 2, new float[] {1, 0}, new double[] {3});
    private static final AdapterEvidence EVIDENCE =
            RandomBase.measure(new RandomBase(1).calibration(), RandomBase.adapter(1, 4, 1));

    @TempDir
    Path folder;

    @Test
    void evidence_and_examples_are_read_back() throws IOException {
        PrototypeFile written = new PrototypeFile(
                "arrow-v1", ADAPTER, List.of(PROTOTYPE), Optional.of(EVIDENCE), Optional.of(examples(4)));

        PrototypeFile read = read(written.toBytes());

        assertThat(read.prototypes()).usingRecursiveComparison().isEqualTo(written.prototypes());
        AdapterEvidence evidence = read.evidence().orElseThrow();
        assertThat(evidence.calibrationDigest()).isEqualTo(EVIDENCE.calibrationDigest());
        assertThat(evidence.memories()).isEqualTo(EVIDENCE.memories());
        assertThat(evidence.outside()).isEqualTo(EVIDENCE.outside());
        assertThat(evidence.points()).hasSameSizeAs(EVIDENCE.points());
        for (int i = 0; i < evidence.points().size(); i++) {
            PointEvidence after = evidence.points().get(i);
            PointEvidence before = EVIDENCE.points().get(i);
            assertThat(after.point()).isEqualTo(before.point());
            assertThat(after.rank()).isEqualTo(before.rank());
            assertThat(after.mean()).isEqualTo(before.mean());
            assertThat(after.deviation()).isEqualTo(before.deviation());
            assertThat(after.matrix()).containsExactly(before.matrix(), within(1e-6));
        }
        assertThat(read.examples().orElseThrow().examples()).isEqualTo(4);
        assertThat(read.examples().orElseThrow().centroids().get(RandomBase.POINTS.get(0)))
                .containsExactly(new double[] {0.6, 0.8}, within(1e-6));
        assertThat(read.toBytes()).isEqualTo(written.toBytes());
    }

    @Test
    void a_file_without_evidence_has_the_bytes_of_version_1_and_is_read() throws IOException {
        byte[] bytes = new PrototypeFile("arrow-v1", ADAPTER, List.of(PROTOTYPE)).toBytes();

        assertThat(bytes).isEqualTo(prototype("1").toBytes());
        assertThat(read(bytes).evidence()).isEmpty();
        assertThat(read(bytes).examples()).isEmpty();
    }

    @Test
    void evidence_without_examples_is_enough_and_examples_alone_are_not() throws IOException {
        PrototypeFile alone =
                new PrototypeFile("arrow-v1", ADAPTER, List.of(PROTOTYPE), Optional.of(EVIDENCE), Optional.empty());

        assertThat(read(alone.toBytes()).examples()).isEmpty();
        assertThatThrownBy(() -> new PrototypeFile(
                        "arrow-v1", ADAPTER, List.of(PROTOTYPE), Optional.empty(), Optional.of(examples(4))))
                .hasMessageContaining("examples need evidence");
    }

    @Test
    void evidence_in_a_file_of_version_1_is_refused() {
        assertThatThrownBy(() -> read(prototype("1")
                        .doubles("evidence.outside", List.of(1L), new double[1])
                        .toBytes()))
                .isInstanceOf(InvalidPrototypeFileException.class)
                .hasMessageContaining("version 1 has the tensor evidence.outside");
    }

    @Test
    void incomplete_or_foreign_parts_are_refused() {
        refused("evidence.outside is missing", writer -> point(writer, 1, 2));
        refused(
                "evidence.matrix.layers.0.mlp_in is missing",
                writer -> complete(writer)
                        .doubles("evidence.loudness.layers.0.mlp_in", List.of(2L), new double[] {1, 1}));
        refused(
                "unknown tensor evidence.other",
                writer -> complete(writer).doubles("evidence.other", List.of(1L), new double[1]));
        refused(
                "no name of a probed point",
                writer -> complete(writer).floats("examples.layers.0", List.of(1L), new float[] {1}));
        refused(
                "says null examples",
                writer -> complete(writer).floats("examples.layers.0.mlp_in", List.of(1L), new float[] {1}));
        refused("0 points", writer -> constants(writer, 1, 1));
        refused(
                "3 examples are too few",
                writer -> complete(writer)
                        .metadata("examples", "3")
                        .floats("examples.layers.0.mlp_in", List.of(1L), new float[] {1}));
        refused(
                "not of unit length",
                writer -> complete(writer)
                        .metadata("examples", "4")
                        .floats("examples.layers.0.mlp_in", List.of(1L), new float[] {2}));
    }

    @Test
    void numbers_that_cannot_be_are_refused() {
        refused(
                "not finite",
                writer -> constants(writer, 1, 1)
                        .floats("evidence.matrix.layers.0.mlp_in", List.of(1L, 1L), new float[] {Float.NaN})
                        .doubles("evidence.loudness.layers.0.mlp_in", List.of(2L), new double[] {1, 1}));
        refused(
                "the loudness at layers.0.mlp_in",
                writer -> constants(writer, 1, 1)
                        .floats("evidence.matrix.layers.0.mlp_in", List.of(1L, 1L), new float[] {1})
                        .doubles("evidence.loudness.layers.0.mlp_in", List.of(2L), new double[] {1, 0}));
    }

    @Test
    void as_much_as_the_limits_allow_is_read_and_no_more() throws IOException {
        assertThat(read(complete(prototype("2"), EvidenceTensors.MEMORIES_MAX, GenericRequests.REQUESTS_MAX)
                                .toBytes())
                        .evidence()
                        .orElseThrow()
                        .outside())
                .hasSize(GenericRequests.REQUESTS_MAX);
        refused("there are 17 memories", writer -> complete(writer, EvidenceTensors.MEMORIES_MAX + 1, 1));
        refused("there are 4097 threshold", writer -> complete(writer, 1, GenericRequests.REQUESTS_MAX + 1));
        assertThat(read(constantsOf(point(prototype("2"), EvidenceTensors.RANKS_MAX, 1))
                                .toBytes())
                        .evidence()
                        .orElseThrow()
                        .points()
                        .get(0)
                        .rank())
                .isEqualTo(EvidenceTensors.RANKS_MAX);
        refused("at most (32768, 32768)", writer -> constantsOf(point(writer, EvidenceTensors.RANKS_MAX + 1, 1)));
        refused("at most (32768, 32768)", writer -> constantsOf(point(writer, 1, CalibrationFile.WIDTH_MAX + 1)));
    }

    private static ExampleCentroids examples(int count) {
        TreeMap<ProbePoint, double[]> centroids = new TreeMap<>();
        centroids.put(RandomBase.POINTS.get(0), new double[] {0.6, 0.8});
        return new ExampleCentroids(RandomBase.DIGEST, count, centroids);
    }

    private static SafetensorsWriter prototype(String version) {
        return new SafetensorsWriter()
                .metadata("format_version", version)
                .metadata("algorithm", "arrow-v1")
                .metadata("adapter_digest", ADAPTER)
                .floats("prototype." + PROTOTYPE.module(), List.of(2L), PROTOTYPE.vector())
                .doubles("sigma." + PROTOTYPE.module(), List.of(1L), PROTOTYPE.sigma())
                .doubles("scaling." + PROTOTYPE.module(), List.of(1L), new double[] {2})
                .longs("rank." + PROTOTYPE.module(), List.of(1L), new long[] {1});
    }

    private static SafetensorsWriter complete(SafetensorsWriter writer) {
        return complete(writer, 1, 1);
    }

    private static SafetensorsWriter complete(SafetensorsWriter writer, int memories, int requests) {
        return constants(point(writer, 1, 2), memories, requests);
    }

    private static SafetensorsWriter constantsOf(SafetensorsWriter writer) {
        return constants(writer, 1, 1);
    }

    private static SafetensorsWriter point(SafetensorsWriter writer, int rank, int in) {
        return writer.floats(
                        "evidence.matrix.layers.0.attention_in", List.of((long) rank, (long) in), new float[rank * in])
                .doubles("evidence.loudness.layers.0.attention_in", List.of(2L), new double[] {1, 1});
    }

    private static SafetensorsWriter constants(SafetensorsWriter writer, int memories, int requests) {
        double[] values = new double[6 * memories];
        for (int i = 0; i < memories; i++) {
            values[6 * i] = (double) i / memories;
            values[6 * i + 2] = 1;
            values[6 * i + 5] = 1;
        }
        return writer.metadata("calibration_digest", "sha256:c")
                .doubles("evidence.memories", List.of((long) memories, 6L), values)
                .doubles("evidence.outside", List.of((long) requests), new double[requests]);
    }

    private void refused(String message, Consumer<SafetensorsWriter> spoil) {
        SafetensorsWriter writer = prototype("2");
        spoil.accept(writer);
        assertThatThrownBy(() -> read(writer.toBytes()))
                .isInstanceOf(InvalidPrototypeFileException.class)
                .hasMessageContaining(message);
    }

    private PrototypeFile read(byte[] bytes) throws IOException {
        return PrototypeFile.read(Files.write(folder.resolve("prototypes.safetensors"), bytes));
    }
}
