package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Decoder.ModuleTrace;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Gate;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Scoring;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.Tracing;
import io.quiver.lora.arrow.ArrowGate;
import io.quiver.lora.arrow.MixExperts.Update;
import io.quiver.lora.gate.ChooseExperts;
import io.quiver.lora.gate.GateScores;
import io.quiver.lora.gate.InputNorm;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraModule;
import io.quiver.lora.peft.LoraUpdates;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The gates beside plain Arrow: in the first layer, whose inputs are easily had, against loops in double precision. */
class GatesTest {
    private static final double SAME = 5e-5;
    private static final int[] IDS = {82, 84, 269, 273, 87, 90, 78, 89, 286};
    private static final List<String> MODULES = List.of("q_proj", "k_proj", "v_proj");
    /** Other ranks, scales and modules; several have nothing at q, k or v, or in the first layer. */
    private static final List<String> LIBRARY = List.of(
            "adapters/r1-qv",
            "adapters/r4-attn",
            "adapters/r8-all-linear-rslora",
            "adapters/r4-mlp-regex",
            "adapters/patterns",
            "adapters/layers-0-2",
            "adapters/r8-bf16");

    private static TorchDecoder decoder;
    private static List<Expert> experts;

    @BeforeAll
    static void open() {
        decoder = Fixtures.open("llama", Precision.FP32);
        experts = Fixtures.load(decoder, LIBRARY);
    }

    @AfterAll
    static void close() {
        decoder.close();
    }

    static Stream<Routing.Gated> routings() {
        List<Routing.Gated> all = new ArrayList<>();
        for (InputNorm norm : InputNorm.values()) {
            for (Gate gate : List.of(new Gate.Arrow(), new Gate.Spectr(), new Gate.Lag(3))) {
                all.add(gated(new Scoring(gate, norm, OptionalDouble.empty()), 2, 0.7));
            }
        }
        for (double min : new double[] {0.05, 0.3}) {
            all.add(gated(new Scoring(new Gate.Arrow(), InputNorm.UNIT, OptionalDouble.of(min)), 3, 0.2));
        }
        for (double min : new double[] {0.5, 5, 1e9}) {
            all.add(gated(new Scoring(new Gate.Spectr(), InputNorm.ID, OptionalDouble.of(min)), 3, 2));
            all.add(gated(new Scoring(new Gate.Lag(2), InputNorm.ID, OptionalDouble.of(min)), 3, 2));
        }
        all.add(gated(new Scoring(new Gate.Lag(100), InputNorm.ID, OptionalDouble.empty()), 100, 1));
        return all.stream();
    }

    private static Routing.Gated gated(Scoring scoring, int topK, double temperature) {
        return new Routing.Gated(experts, scoring, topK, temperature, Combine.OUTPUTS, Tracing.MODULES);
    }

    @ParameterizedTest
    @MethodSource("routings")
    void scores_and_coefficients_agree_with_plain_loops(Routing.Gated routing) throws IOException {
        double[][] x =
                FirstLayer.inputs(IDS, decoder.config().architecture().norm().eps());
        for (List<ModuleTrace> trace : List.of(atOnce(routing), oneByOne(routing))) {
            for (String module : MODULES) {
                String path = "model.layers.0.self_attn." + module;
                ModuleTrace found = trace.stream()
                        .filter(one -> one.module().equals(path))
                        .findFirst()
                        .orElseThrow();
                for (int t = 0; t < IDS.length; t++) {
                    double[] scores = scores(routing.scoring(), path, x[t]);
                    double[] coefficients = new ChooseExperts(
                                    routing.topK(),
                                    routing.temperature(),
                                    routing.scoring().minScore().orElse(Double.NEGATIVE_INFINITY))
                            .coefficients(scores);
                    for (int e = 0; e < LIBRARY.size(); e++) {
                        String what = routing.scoring() + ", " + path + ", token " + t + ", expert " + e;
                        assertThat((double) found.scores()[t][e])
                                .as(what)
                                .isEqualTo(Double.isNaN(scores[e]) ? -1 : scores[e], within(SAME * 10));
                        assertThat((double) found.coefficients()[t][e])
                                .as(what)
                                .isEqualTo(coefficients[e], within(SAME * 10));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("routings")
    void feeding_at_once_and_one_by_one_agree(Routing.Gated routing) {
        float[][] whole = Fixtures.logits(decoder, routing, IDS);
        float[][] steps = new float[IDS.length][];
        try (Sequence sequence = decoder.open(routing)) {
            for (int t = 0; t < IDS.length; t++) {
                steps[t] = decoder.step(List.of(new Feed(sequence, new int[] {IDS[t]})))
                        .get(0)
                        .logits();
            }
        }
        assertThat(Fixtures.maxDifference(whole, steps)).isLessThan(1e-4);
    }

    @Test
    void arrow_as_a_gate_without_anything_is_plain_arrow() {
        Routing plain = new Routing.Arrow(experts, 2, 0.7, Combine.OUTPUTS, false);
        assertThat(Fixtures.maxDifference(
                        Fixtures.logits(decoder, gated(Scoring.ARROW, 2, 0.7), IDS),
                        Fixtures.logits(decoder, plain, IDS)))
                .isLessThan(1e-5);
    }

    @Test
    void lag_that_keeps_everybody_is_spectr() {
        Routing lag = gated(new Scoring(new Gate.Lag(LIBRARY.size()), InputNorm.ID, OptionalDouble.empty()), 2, 1);
        Routing spectr = gated(new Scoring(new Gate.Spectr(), InputNorm.ID, OptionalDouble.empty()), 2, 1);
        assertThat(Fixtures.maxDifference(Fixtures.logits(decoder, lag, IDS), Fixtures.logits(decoder, spectr, IDS)))
                .isLessThan(1e-5);
    }

    @Test
    void a_minimum_that_nobody_reaches_leaves_the_base_model() {
        Routing none = gated(new Scoring(new Gate.Arrow(), InputNorm.UNIT, OptionalDouble.of(1.01)), 3, 1);
        assertThat(Fixtures.maxDifference(
                        Fixtures.logits(decoder, none, IDS), Fixtures.logits(decoder, new Routing.Base(), IDS)))
                .isLessThan(1e-5);
    }

    @Test
    void phatgoose_agrees_with_plain_loops_and_leaves_out_who_brings_no_vector() throws IOException {
        List<Expert> gated = new ArrayList<>();
        List<double[]> vectors = new ArrayList<>();
        String q = "model.layers.0.self_attn.q_proj";
        for (int e = 0; e < 4; e++) {
            String name = LIBRARY.get(List.of(0, 1, 2, 4).get(e));
            try (LoraAdapter adapter = LoraAdapter.open(Fixtures.path(name), AdapterLimits.DEFAULT)) {
                VectorsAdded updates = new VectorsAdded(adapter, new Random(e), e == 3 ? Set.of(q) : Set.of());
                gated.add(decoder.load("gated " + name, updates, Fixtures.prototypes(name)));
                vectors.add(updates.vectors.get(q));
            }
        }
        Routing.Gated routing = new Routing.Gated(
                gated,
                new Scoring(new Gate.Phatgoose(), InputNorm.LAYER_NORM, OptionalDouble.empty()),
                2,
                0.3,
                Combine.OUTPUTS,
                Tracing.MODULES);
        double[][] x =
                FirstLayer.inputs(IDS, decoder.config().architecture().norm().eps());
        for (List<ModuleTrace> trace : List.of(atOnce(routing), oneByOne(routing))) {
            ModuleTrace found = trace.stream()
                    .filter(one -> one.module().equals(q))
                    .findFirst()
                    .orElseThrow();
            for (int t = 0; t < IDS.length; t++) {
                double[] scores = GateScores.phatgoose(x[t], vectors);
                double[] coefficients = new ChooseExperts(2, 0.3, Double.NEGATIVE_INFINITY).coefficients(scores);
                for (int e = 0; e < gated.size(); e++) {
                    assertThat((double) found.scores()[t][e])
                            .isEqualTo(Double.isNaN(scores[e]) ? -1 : scores[e], within(SAME * 10));
                    assertThat((double) found.coefficients()[t][e]).isEqualTo(coefficients[e], within(SAME * 10));
                }
            }
        }
        assertThat(gated).allMatch(Expert::hasGateVectors);
        assertThat(experts).noneMatch(Expert::hasGateVectors);
    }

    /** An adapter with a random gate vector for every module but some. */
    private static final class VectorsAdded implements LoraUpdates {
        private final LoraAdapter adapter;
        private final Map<String, double[]> vectors = new HashMap<>();

        VectorsAdded(LoraAdapter adapter, Random random, Set<String> without) {
            this.adapter = adapter;
            for (LoraModule module : adapter.modules()) {
                if (!without.contains(module.path())) {
                    vectors.put(
                            module.path(),
                            random.doubles(module.in(), -1, 1)
                                    .map(component -> (float) component)
                                    .toArray());
                }
            }
        }

        @Override
        public List<LoraModule> modules() {
            return adapter.modules();
        }

        @Override
        public float[] a(LoraModule module) throws IOException {
            return adapter.a(module);
        }

        @Override
        public float[] b(LoraModule module) throws IOException {
            return adapter.b(module);
        }

        @Override
        public Optional<float[]> gateVector(LoraModule module) {
            return Optional.ofNullable(vectors.get(module.path())).map(exact -> {
                float[] vector = new float[exact.length];
                for (int i = 0; i < vector.length; i++) {
                    vector[i] = (float) exact[i];
                }
                return vector;
            });
        }
    }

    private static List<ModuleTrace> atOnce(Routing routing) {
        return Fixtures.prefill(decoder, routing, IDS).trace();
    }

    private static List<ModuleTrace> oneByOne(Routing routing) {
        List<List<ModuleTrace>> steps = new ArrayList<>();
        try (Sequence sequence = decoder.open(routing)) {
            for (int id : IDS) {
                steps.add(decoder.step(List.of(new Feed(sequence, new int[] {id})))
                        .get(0)
                        .trace());
            }
        }
        List<ModuleTrace> joined = new ArrayList<>();
        for (int m = 0; m < steps.get(0).size(); m++) {
            int module = m;
            joined.add(new ModuleTrace(
                    steps.get(0).get(m).module(),
                    steps.stream().map(step -> step.get(module).scores()[0]).toArray(float[][]::new),
                    steps.stream()
                            .map(step -> step.get(module).coefficients()[0])
                            .toArray(float[][]::new)));
        }
        return joined;
    }

    private static double[] scores(Scoring scoring, String module, double[] x) throws IOException {
        List<Update> updates = new ArrayList<>();
        List<double[]> prototypes = new ArrayList<>();
        for (String name : LIBRARY) {
            updates.add(FirstLayer.update(name, module));
            prototypes.add(FirstLayer.prototype(Fixtures.prototypes(name), module));
        }
        double[] read = scoring.inputNorm().of(x);
        if (scoring.gate() instanceof Gate.Spectr) {
            return GateScores.spectr(read, updates);
        }
        if (scoring.gate() instanceof Gate.Lag lag) {
            return GateScores.lag(read, prototypes, updates, lag.candidates());
        }
        double[] scores = ArrowGate.scores(read, prototypes);
        for (int e = 0; e < scores.length; e++) {
            scores[e] = scores[e] == ArrowGate.NOT_ELIGIBLE ? Double.NaN : scores[e];
        }
        return scores;
    }
}
