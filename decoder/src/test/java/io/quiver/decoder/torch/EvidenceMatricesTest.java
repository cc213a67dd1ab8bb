package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.EvidenceMatrices;
import io.quiver.decoder.EvidenceMatrices.Loudness;
import io.quiver.decoder.EvidenceMatrices.Resident;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.InputPlace;
import io.quiver.lora.evidence.MemoryConstants;
import io.quiver.lora.evidence.PointBaseline;
import io.quiver.lora.evidence.PointEvidence;
import io.quiver.lora.evidence.ProbePoint;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Loudness as the decoder computes it, against plain loops over what a sequence has kept. */
class EvidenceMatricesTest {
    private static final ProbePoint FIRST = new ProbePoint(0, InputPlace.ATTENTION_IN);
    private static final ProbePoint MIDDLE = new ProbePoint(1, InputPlace.MLP_MID);
    private static final ProbePoint LAST = new ProbePoint(2, InputPlace.MLP_IN);
    private static final String DIGEST = "sha256:" + "0".repeat(64);

    private final Random random = new Random(1);
    private final List<PointBaseline> baselines =
            List.of(baseline(FIRST, 72), baseline(MIDDLE, 104), baseline(LAST, 72));
    private TorchDecoder decoder;

    @BeforeEach
    void open() {
        decoder = Fixtures.open("llama", Precision.FP32);
    }

    @AfterEach
    void close() {
        decoder.close();
    }

    private double[] numbers(int count) {
        return random.doubles(count, -1, 1).toArray();
    }

    private PointBaseline baseline(ProbePoint point, int in) {
        return new PointBaseline(point, numbers(in), numbers(in * PointBaseline.DIRECTIONS), 1, 1);
    }

    private PointEvidence at(ProbePoint point, int rank, int in) {
        return new PointEvidence(point, rank, numbers(rank * in), 1, 1);
    }

    private static AdapterEvidence evidence(PointEvidence... points) {
        return new AdapterEvidence(
                DIGEST, List.of(points), List.of(new MemoryConstants(1, 0, 1, 1, 0, 1)), new double[] {0});
    }

    private Sequence read(List<ProbePoint> probed, int tokens) {
        Sequence sequence = decoder.open(new Routing.Base(), 200, probed);
        decoder.step(
                List.of(new Feed(sequence, new Random(2).ints(tokens, 6, 288).toArray())));
        return sequence;
    }

    /** ‖M(x − μ)‖ of one token. matrix (rows, in) */
    private double length(Sequence sequence, ProbePoint point, int token, double[] matrix, int rows) {
        double[] mean = baselines.stream()
                .filter(baseline -> baseline.point().equals(point))
                .findFirst()
                .orElseThrow()
                .mean();
        float[] x = decoder.inputs(sequence, point, token, 1);
        double square = 0;
        for (int row = 0; row < rows; row++) {
            double sum = 0;
            for (int i = 0; i < x.length; i++) {
                sum += matrix[row * x.length + i] * (x[i] - mean[i]);
            }
            square += sum * sum;
        }
        return Math.sqrt(square);
    }

    /** D is stored (in, directions). */
    private double[] directions(ProbePoint point) {
        PointBaseline baseline = baselines.stream()
                .filter(each -> each.point().equals(point))
                .findFirst()
                .orElseThrow();
        double[] rows = new double[baseline.directions().length];
        for (int i = 0; i < rows.length; i++) {
            int direction = i / baseline.in();
            rows[i] = baseline.directions()[i % baseline.in() * PointBaseline.DIRECTIONS + direction];
        }
        return rows;
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void loudness_is_that_of_plain_loops_for_experts_of_any_rank_and_points(Precision precision) {
        decoder.close();
        decoder = Fixtures.open("llama", precision);
        double part = precision == Precision.FP32 ? 1e-5 : 0.01;
        try (EvidenceMatrices matrices = decoder.openEvidence(baselines);
                Sequence sequence = read(List.of(LAST, MIDDLE, FIRST), 50)) {
            Map<String, AdapterEvidence> measured = Map.of(
                    "a", evidence(at(FIRST, 3, 72), at(LAST, 1, 72)),
                    "b", evidence(at(MIDDLE, 24, 104)),
                    "c", evidence(at(LAST, 8, 72)));
            List<Resident> experts = Stream.of("a", "b", "c")
                    .map(name -> matrices.load(name, measured.get(name)))
                    .toList();
            for (List<Resident> library : List.of(experts, experts.subList(1, 2), experts.subList(0, 1))) {
                Loudness loudness = matrices.loudness(sequence, 7, library);
                loudness.norms().forEach((point, norms) -> {
                    assertThat(norms).hasSize(43);
                    for (int t = 0; t < 43; t++) {
                        double norm = length(sequence, point, 7 + t, directions(point), PointBaseline.DIRECTIONS);
                        assertThat(norms[t]).isEqualTo(norm, within(part * (5 + norm)));
                    }
                });
                for (int e = 0; e < library.size(); e++) {
                    List<PointEvidence> own =
                            measured.get(library.get(e).digest()).points();
                    assertThat(loudness.experts().get(e).constants())
                            .isSameAs(library.get(e).constants());
                    for (int p = 0; p < own.size(); p++) {
                        assertThat(loudness.norms()).containsKey(own.get(p).point());
                        for (int t = 0; t < 43; t++) {
                            double length = length(
                                    sequence,
                                    own.get(p).point(),
                                    7 + t,
                                    own.get(p).matrix(),
                                    own.get(p).rank());
                            assertThat(loudness.experts().get(e).loudness()[p][t])
                                    .isEqualTo(length, within(part * (5 + length)));
                        }
                    }
                }
            }
        }
    }

    @Test
    void only_the_points_of_the_library_need_be_kept() {
        try (EvidenceMatrices matrices = decoder.openEvidence(baselines);
                Sequence sequence = read(List.of(LAST), 10)) {
            Resident there = matrices.load("there", evidence(at(LAST, 2, 72)));
            Resident elsewhere = matrices.load("elsewhere", evidence(at(FIRST, 2, 72)));
            assertThat(matrices.loudness(sequence, 0, List.of(there)).norms()).containsOnlyKeys(LAST);
            assertThatThrownBy(() -> matrices.loudness(sequence, 0, List.of(there, elsewhere)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("layers.0.attention_in");
            assertThatThrownBy(() -> matrices.loudness(sequence, 10, List.of(there)))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void matrices_count_as_memory_until_they_are_evicted() {
        EvidenceMatrices matrices = decoder.openEvidence(baselines);
        long baselineBytes = matrices.residentBytes();
        assertThat(baselineBytes).isEqualTo(9L * 4 * (72 + 104 + 72));
        Resident expert = matrices.load("expert", evidence(at(FIRST, 3, 72), at(MIDDLE, 2, 104)));
        assertThat(expert.residentBytes()).isEqualTo(4L * (3 * 72 + 2 * 104));
        assertThat(matrices.load("expert", evidence(at(LAST, 1, 72)))).isSameAs(expert);
        assertThat(matrices.residentBytes()).isEqualTo(baselineBytes + expert.residentBytes());
        matrices.evict(expert);
        matrices.evict(expert);
        assertThat(matrices.residentBytes()).isEqualTo(baselineBytes);
        try (Sequence sequence = read(matrices.points(), 10)) {
            assertThatThrownBy(() -> matrices.loudness(sequence, 0, List.of(expert)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("not resident");
        }
        matrices.close();
        matrices.close();
        assertThat(matrices.residentBytes()).isZero();
        assertThatThrownBy(() -> matrices.load("expert", evidence(at(LAST, 1, 72))))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void two_calibrations_are_resident_side_by_side() {
        List<PointBaseline> others = List.of(baseline(LAST, 72));
        try (EvidenceMatrices old = decoder.openEvidence(baselines);
                EvidenceMatrices fresh = decoder.openEvidence(others);
                Sequence sequence = read(List.of(LAST), 10)) {
            AdapterEvidence evidence = evidence(at(LAST, 2, 72));
            Resident before = old.load("expert", evidence);
            Resident after = fresh.load("expert", evidence);
            double first = only(old.loudness(sequence, 9, List.of(before)));
            double second = only(fresh.loudness(sequence, 9, List.of(after)));
            assertThat(first).isNotCloseTo(second, within(1e-3));
            assertThatThrownBy(() -> old.loudness(sequence, 9, List.of(after)))
                    .isInstanceOf(IllegalArgumentException.class);
            old.close();
            assertThat(only(fresh.loudness(sequence, 9, List.of(after)))).isEqualTo(second);
        }
    }

    private static double only(Loudness loudness) {
        return loudness.experts().get(0).loudness()[0][0];
    }

    @Test
    void evidence_for_another_model_is_refused_and_leaves_nothing() {
        assertThatThrownBy(() -> decoder.openEvidence(List.of(baseline(FIRST, 71))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("71 features");
        assertThatThrownBy(() -> decoder.openEvidence(List.of(baseline(new ProbePoint(3, InputPlace.MLP_IN), 72))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no layer 3");
        try (EvidenceMatrices matrices = decoder.openEvidence(baselines)) {
            long before = matrices.residentBytes();
            assertThatThrownBy(() -> matrices.load("x", evidence(at(FIRST, 1, 72), at(LAST, 2, 73))))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("rows of 73");
            assertThatThrownBy(() ->
                            matrices.load("x", evidence(at(new ProbePoint(1, InputPlace.ATTENTION_IN), 1, 72))))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("not calibrated");
            assertThat(matrices.residentBytes()).isEqualTo(before);
        }
    }
}
