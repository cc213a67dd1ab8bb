package io.quiver.router;

import static io.quiver.router.CalibratedRouter.THREE;
import static io.quiver.router.CalibratedRouter.complete;
import static io.quiver.router.CalibratedRouter.decision;
import static io.quiver.router.CalibratedRouter.experts;
import static io.quiver.router.CalibratedRouter.greedy;
import static io.quiver.router.CalibratedRouter.refused;
import static io.quiver.router.CalibratedRouter.router;
import static io.quiver.router.CalibratedRouter.text;
import static io.quiver.router.SampleRouter.elements;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.ChooseByEvidence;
import io.quiver.lora.evidence.ChooseByEvidence.ExpertLoudness;
import io.quiver.lora.evidence.EvidenceDecision;
import io.quiver.lora.evidence.ExampleComparison;
import io.quiver.lora.evidence.LibraryThreshold;
import io.quiver.lora.evidence.PointBaseline;
import io.quiver.lora.evidence.ProbePoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/** Strategy evidence over HTTP: who answers, what is said about it, and what is refused. */
@ExtendWith(CalibratedRouter.class)
class EvidenceHttpTest {
    private static final String ANYBODY = ",'min_score':-1e6";
    private static final String NOBODY = ",'min_score':1e6";
    private static final List<String> PROMPTS =
            List.of("five year", "Why?", "The cat of my aunt", "12 + 7 =", "select from where", "a");

    @Test
    void a_calibrated_library_is_routed_by_evidence_unless_the_request_says_otherwise() throws Exception {
        JsonNode routing = complete("five year", THREE).path("routing");
        assertThat(routing.path("strategy").asString()).isEqualTo("evidence");
        assertThat(routing.path("default").path("reason").asString()).isEqualTo("calibrated");
        assertThat(routing.path("library_size").asInt()).isEqualTo(3);
        assertThat(routing.path("calibration").asString()).startsWith("sha256:");
        assertThat(complete("five year", THREE + ",'strategy':'evidence'")
                        .path("routing")
                        .has("default"))
                .isFalse();
        JsonNode arrow = complete("five year", THREE + ",'strategy':'arrow'").path("routing");
        assertThat(arrow.path("strategy").asString()).isEqualTo("arrow");
        assertThat(arrow.has("default")).isFalse();
        JsonNode gate = complete("five year", THREE + ",'input_norm':'unit'").path("routing");
        assertThat(gate.path("strategy").asString()).isEqualTo("arrow");
        assertThat(gate.path("default").path("reason").asString()).isEqualTo("gate_parameters");
    }

    @Test
    void a_library_with_an_expert_that_is_not_calibrated_is_routed_by_arrow_and_says_why() throws Exception {
        String four = "'experts':['t/e0','t/late']";
        JsonNode routing = complete("five year", four).path("routing");
        assertThat(routing.path("strategy").asString()).isEqualTo("arrow");
        assertThat(routing.path("default").path("reason").asString()).isEqualTo("experts_not_calibrated");
        assertThat(elements(routing.path("default").path("experts")).stream().map(JsonNode::asString))
                .containsExactly("t/late");
        JsonNode error = refused(four + ",'strategy':'evidence'", 400);
        assertThat(error.path("code").asString()).isEqualTo("not_calibrated");
        assertThat(error.path("message").asString()).contains("t/late").doesNotContain("t/e0");
        JsonNode unknown = refused(THREE + ",'calibration':'sha256:" + "0".repeat(64) + "','strategy':'evidence'", 400);
        assertThat(unknown.path("code").asString()).isEqualTo("not_calibrated");
        assertThat(unknown.path("param").asString()).isEqualTo("routing.calibration");
    }

    /** Loops over what a decoder of its own keeps: ‖M(x − μ)‖ of each token. matrix (rows, in), or its transpose. */
    private static double[] lengths(float[] inputs, double[] mean, double[] matrix, int rows, boolean transposed) {
        int in = mean.length;
        double[] lengths = new double[inputs.length / in]; // (tokens)
        for (int t = 0; t < lengths.length; t++) {
            double square = 0;
            for (int row = 0; row < rows; row++) {
                double sum = 0;
                for (int i = 0; i < in; i++) {
                    double element = transposed ? matrix[i * rows + row] : matrix[row * in + i];
                    sum += element * (inputs[t * in + i] - mean[i]);
                }
                square += sum * sum;
            }
            lengths[t] = Math.sqrt(square);
        }
        return lengths;
    }

    private static EvidenceDecision plain(String prompt) throws Exception {
        Map<ProbePoint, PointBaseline> baselines = new HashMap<>();
        CalibratedRouter.fixture().calibration().baselines().forEach(each -> baselines.put(each.point(), each));
        List<ProbePoint> points = baselines.keySet().stream().sorted().toList();
        try (Decoder decoder = TinyModel.open();
                Tokenizer tokenizer = Tokenizer.open(RunningRouter.resource("models/llama"));
                Sequence sequence = decoder.open(new Routing.Base(), 200, points)) {
            int[] tokens = tokenizer.encode(prompt, true);
            int first = tokens[0] == tokenizer.encode("x", true)[0] ? 1 : 0;
            decoder.step(List.of(new Feed(sequence, tokens)));
            Map<ProbePoint, float[]> inputs = new HashMap<>();
            Map<ProbePoint, double[]> norms = new HashMap<>();
            for (ProbePoint point : points) {
                PointBaseline baseline = baselines.get(point);
                inputs.put(point, decoder.inputs(sequence, point, first, tokens.length - first));
                norms.put(
                        point,
                        lengths(
                                inputs.get(point),
                                baseline.mean(),
                                baseline.directions(),
                                PointBaseline.DIRECTIONS,
                                true));
            }
            List<ExpertLoudness> library = new ArrayList<>();
            for (String expert : List.of("e0", "e1", "e2")) {
                AdapterEvidence evidence = CalibratedRouter.fixture().evidence(expert);
                library.add(new ExpertLoudness(
                        evidence.constants(),
                        evidence.points().stream()
                                .map(each -> lengths(
                                        inputs.get(each.point()),
                                        baselines.get(each.point()).mean(),
                                        each.matrix(),
                                        each.rank(),
                                        false))
                                .toArray(double[][]::new)));
            }
            double threshold = LibraryThreshold.beyondGeneric(
                    library.stream().map(ExpertLoudness::constants).toList());
            return new ChooseByEvidence(baselines.values())
                    .choose(library, norms, ExampleComparison.NONE, OptionalDouble.of(threshold));
        }
    }

    @Test
    void the_decision_is_that_of_plain_loops_over_the_inputs() throws Exception {
        for (String prompt : PROMPTS) {
            EvidenceDecision plain = plain(prompt);
            JsonNode answer = complete(prompt, THREE + ",'strategy':'evidence'");
            JsonNode decision = decision(answer);
            assertThat(decision.path("threshold").asDouble()).isCloseTo(plain.threshold(), within(1e-3));
            for (int place = 0; place < 3; place++) {
                JsonNode ranked = decision.path("ranking").path(place);
                int expert = plain.ranking()[place];
                assertThat(ranked.path("name").asString()).as(prompt).isEqualTo("t/e" + expert);
                assertThat(ranked.path("score").asDouble()).isCloseTo(plain.scores()[expert], within(1e-3));
                assertThat(ranked.path("stand_out").asDouble())
                        .isCloseTo(plain.readings().get(expert).standOut(), within(1e-3));
            }
            assertThat(decision.path("runner_up").asString()).isEqualTo("t/e" + plain.ranking()[1]);
            List<String> chosen = plain.chosen().isPresent() ? List.of("t/e" + plain.best()) : List.of();
            assertThat(experts(answer)).isEqualTo(chosen);
        }
    }

    @Test
    void the_expert_that_is_chosen_answers_as_it_does_alone() throws Exception {
        for (String prompt : PROMPTS) {
            JsonNode answer = complete(prompt, THREE + ANYBODY);
            String best = decision(answer).path("best").asString();
            assertThat(experts(answer)).containsExactly(best);
            assertThat(answer.path("routing")
                            .path("experts")
                            .path(0)
                            .path("share")
                            .asDouble())
                    .isEqualTo(1);
            assertThat(text(answer))
                    .isEqualTo(text(complete(prompt, "'experts':['" + best + "'],'strategy':'single'")));
        }
    }

    @Test
    void where_nobody_stands_out_the_base_answers_and_strict_refuses_naming_the_best() throws Exception {
        JsonNode answer = complete("five year", THREE + NOBODY);
        assertThat(answer.path("routing").path("experts").isArray()).isTrue();
        assertThat(experts(answer)).isEmpty();
        assertThat(text(answer)).isEqualTo(text(complete("five year", "'strategy':'base'")));

        JsonNode error = refused(THREE + NOBODY + ",'strict':true", 422);
        assertThat(error.path("code").asString()).isEqualTo("no_expert_fits");
        JsonNode best = decision(answer).path("ranking").path(0);
        assertThat(error.path("message").asString())
                .contains(best.path("name").asString())
                .contains(String.format(Locale.ROOT, "%.3f", best.path("score").asDouble()))
                .contains(String.format(
                        Locale.ROOT, "%.3f", best.path("stand_out").asDouble()))
                .contains("1000000.000");
        String stream = greedy("'five year'", THREE + NOBODY + ",'strict':true")
                .replace("'temperature'", "'stream':true,'temperature'");
        assertThat(RouterRequests.post(router(), "/v1/completions", stream).statusCode())
                .isEqualTo(422);
        assertThat(complete("five year", THREE + ANYBODY + ",'strict':true")
                        .path("routing")
                        .path("strict")
                        .asBoolean())
                .isTrue();
    }

    @Test
    void the_two_best_can_answer_together_weighted_by_their_scores() throws Exception {
        JsonNode answer = complete("five year", THREE + ANYBODY + ",'top_k':2,'temperature':2");
        JsonNode ranking = decision(answer).path("ranking");
        double gap = ranking.path(1).path("score").asDouble()
                - ranking.path(0).path("score").asDouble();
        double second = Math.exp(gap / 2) / (1 + Math.exp(gap / 2));
        JsonNode experts = answer.path("routing").path("experts");
        assertThat(experts).hasSize(2);
        assertThat(experts.path(1).path("share").asDouble()).isCloseTo(second, within(1e-9));
        String names = "'experts':['" + experts.path(0).path("name").asString() + "','"
                + experts.path(1).path("name").asString() + "'],'strategy':'weighted','weights':[" + (1 - second) + ","
                + second + "]";
        assertThat(text(answer)).isEqualTo(text(complete("five year", names)));
    }

    @Test
    void texts_of_different_libraries_and_strategies_in_one_batch_are_what_they_are_alone() throws Exception {
        List<String> requests = new ArrayList<>();
        for (String prompt : PROMPTS) {
            for (String routing : List.of(
                    THREE + ANYBODY,
                    "'experts':['t/e1','t/e0']" + ANYBODY,
                    THREE + NOBODY,
                    THREE + ",'strategy':'arrow'",
                    "'strategy':'base'")) {
                requests.add(greedy("'" + prompt + "'", routing));
            }
        }
        requests.add(greedy("['five year','Why?','12 + 7 =']", THREE));
        List<JsonNode> alone = new ArrayList<>();
        for (String request : requests) {
            alone.add(RouterRequests.answer(router(), "/v1/completions", request));
        }
        List<CompletableFuture<JsonNode>> together = requests.stream()
                .map(request -> CompletableFuture.supplyAsync(() -> {
                    try {
                        return RouterRequests.answer(router(), "/v1/completions", request);
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                }))
                .toList();
        for (int i = 0; i < requests.size(); i++) {
            JsonNode answer = together.get(i).join();
            assertThat(answer.path("choices"))
                    .as(requests.get(i))
                    .isEqualTo(alone.get(i).path("choices"));
            assertThat(experts(answer)).as(requests.get(i)).isEqualTo(experts(alone.get(i)));
        }
    }

    @Test
    void the_memory_of_evidence_is_reported_and_counted_with_the_experts() throws Exception {
        complete("five year", THREE);
        JsonNode memory =
                RouterRequests.get(router(), "/v1/memory").path("data").path(0);
        JsonNode evidence = memory.path("evidence");
        long matrixBytes = 0;
        for (String expert : List.of("e0", "e1", "e2")) {
            matrixBytes += CalibratedRouter.fixture().evidence(expert).matrixBytes(Float.BYTES);
        }
        assertThat(evidence.path("calibrations").asInt()).isEqualTo(1);
        assertThat(evidence.path("experts").asInt()).isEqualTo(3);
        assertThat(evidence.path("resident_bytes").asLong()).isGreaterThan(matrixBytes);
        assertThat(memory.path("experts").path("resident_bytes").asLong()).isGreaterThan(matrixBytes);
    }

    @Test
    void all_that_is_wrong_with_the_parameters_is_said_at_once() throws Exception {
        JsonNode error = refused(THREE + ",'strategy':'evidence','top_k':3,'input_norm':'unit','density':0.5", 400);
        assertThat(error.path("violations")).hasSize(3);
        JsonNode arrow =
                refused(THREE + ",'strategy':'arrow','strict':true,'calibration':'sha256:" + "0".repeat(64) + "'", 400);
        assertThat(arrow.path("violations")).hasSize(2);
        assertThat(refused(THREE + ",'calibration':'newest'", 400)
                        .path("message")
                        .asString())
                .contains("routing.calibration");
    }
}
