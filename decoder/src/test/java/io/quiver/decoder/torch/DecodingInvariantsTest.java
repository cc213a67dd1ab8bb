package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What must not change the numbers: how tokens are cut into steps, who else is in the batch. */
class DecodingInvariantsTest {
    private static final double SAME = 5e-5;
    private static final List<String> MIXED = List.of(
            "adapters/r1-qv",
            "adapters/r4-attn",
            "adapters/r8-all-linear-rslora",
            "adapters/r4-mlp-regex",
            "adapters/patterns",
            "adapters/layers-0-2");

    private TorchDecoder decoder;

    @BeforeEach
    void open() {
        decoder = Fixtures.open("llama", Precision.FP32);
    }

    @AfterEach
    void close() {
        decoder.close();
    }

    private Routing.Arrow mixed(Combine combine) {
        return new Routing.Arrow(Fixtures.load(decoder, MIXED), 2, 0.7, combine, false);
    }

    @ParameterizedTest
    @EnumSource(Combine.class)
    void a_prompt_in_one_go_gives_what_it_gives_token_by_token(Combine combine) {
        int[] ids = Fixtures.tokens(21, 1);
        float[][] together = Fixtures.logits(decoder, mixed(combine), ids);
        assertThat(Fixtures.maxDifference(together, Fixtures.oneByOne(decoder, mixed(combine), ids)))
                .isLessThan(SAME);
    }

    @Test
    void constant_coefficients_in_one_go_give_what_they_give_token_by_token() {
        List<Expert> experts = Fixtures.load(decoder, MIXED);
        Routing routing = new Routing.Fixed(experts, List.of(0.5, 0.25, 0.125, 1.0, -0.5, 0.0));
        int[] ids = Fixtures.tokens(21, 2);
        assertThat(Fixtures.maxDifference(
                        Fixtures.logits(decoder, routing, ids), Fixtures.oneByOne(decoder, routing, ids)))
                .isLessThan(SAME);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 20})
    void a_prompt_in_pieces_gives_what_it_gives_in_one_go(int stepTokensMax) throws IOException {
        int[] ids = Fixtures.tokens(41, 3);
        StepOutput whole = Fixtures.prefill(decoder, traced(decoder), ids);
        DecoderSettings settings = new DecoderSettings("cpu", Precision.FP32, 2, stepTokensMax, 64);
        try (TorchDecoder cutting = TorchDecoder.open(Fixtures.path("models/llama"), settings)) {
            StepOutput cut = Fixtures.prefill(cutting, traced(cutting), ids);
            assertThat(Fixtures.maxDifference(whole.logitsByToken(), cut.logitsByToken()))
                    .isLessThan(SAME);
            assertThat(cut.trace()).hasSameSizeAs(whole.trace());
            for (int i = 0; i < cut.trace().size(); i++) {
                assertThat(cut.trace().get(i).module())
                        .isEqualTo(whole.trace().get(i).module());
                assertThat(Fixtures.maxDifference(
                                cut.trace().get(i).coefficients(),
                                whole.trace().get(i).coefficients()))
                        .isLessThan(SAME);
            }
        }
    }

    private static Routing traced(Decoder decoder) {
        return new Routing.Arrow(Fixtures.load(decoder, MIXED), 2, 1, Combine.OUTPUTS, true);
    }

    @Test
    void sequences_with_different_routings_in_one_batch_give_what_each_gives_alone() {
        List<Expert> experts = Fixtures.load(decoder, MIXED);
        List<Routing> routings = List.of(
                mixed(Combine.OUTPUTS),
                new Routing.Base(),
                new Routing.Arrow(experts.subList(1, 4), 1, 1, Combine.OUTPUTS, true),
                mixed(Combine.OUTPUTS),
                new Routing.Fixed(experts.subList(0, 2), List.of(0.3, 0.7)),
                mixed(Combine.FACTORS),
                new Routing.Arrow(experts.subList(1, 4), 3, 2.5, Combine.OUTPUTS, false),
                new Routing.Fixed(experts.subList(2, 3), List.of(1.0)));
        List<int[]> prompts = IntStream.range(0, routings.size())
                .mapToObj(i -> Fixtures.tokens(3 + 5 * i, i))
                .toList();
        List<List<float[]>> alone = new ArrayList<>();
        for (int i = 0; i < routings.size(); i++) {
            alone.add(decode(List.of(routings.get(i)), List.of(prompts.get(i))).get(0));
        }
        List<List<float[]>> batched = decode(routings, prompts);
        for (int i = 0; i < routings.size(); i++) {
            assertThat(Fixtures.maxDifference(
                            batched.get(i).toArray(float[][]::new), alone.get(i).toArray(float[][]::new)))
                    .as("sequence %d", i)
                    .isLessThan(SAME);
        }
    }

    /** Prefills all sequences in one step, then decodes five fixed tokens each. */
    private List<List<float[]>> decode(List<Routing> routings, List<int[]> prompts) {
        List<Sequence> sequences = routings.stream().map(decoder::open).toList();
        List<List<float[]>> logits = new ArrayList<>();
        sequences.forEach(sequence -> logits.add(new ArrayList<>()));
        for (int step = 0; step <= 5; step++) {
            List<Feed> feeds = new ArrayList<>();
            for (int i = 0; i < sequences.size(); i++) {
                feeds.add(new Feed(sequences.get(i), step == 0 ? prompts.get(i) : new int[] {40 + step}));
            }
            List<StepOutput> outputs = decoder.step(feeds);
            for (int i = 0; i < outputs.size(); i++) {
                logits.get(i).add(outputs.get(i).logits());
            }
        }
        sequences.forEach(Sequence::close);
        return logits;
    }

    private static Routing single(Expert expert) {
        return new Routing.Fixed(List.of(expert), List.of(1.0));
    }

    @Test
    void the_order_of_experts_changes_nothing() {
        List<Expert> experts = new ArrayList<>(Fixtures.load(decoder, MIXED));
        int[] ids = Fixtures.tokens(17, 6);
        float[][] straight = Fixtures.logits(decoder, new Routing.Arrow(experts, 3, 1, Combine.OUTPUTS, false), ids);
        java.util.Collections.reverse(experts);
        float[][] reversed = Fixtures.logits(decoder, new Routing.Arrow(experts, 3, 1, Combine.OUTPUTS, false), ids);
        assertThat(Fixtures.maxDifference(straight, reversed)).isLessThan(SAME);
    }

    @Test
    void a_top_k_above_the_number_of_experts_means_all_of_them() {
        List<Expert> experts = Fixtures.load(decoder, MIXED);
        int[] ids = Fixtures.tokens(17, 7);
        float[][] all =
                Fixtures.logits(decoder, new Routing.Arrow(experts, experts.size(), 1, Combine.OUTPUTS, false), ids);
        float[][] more = Fixtures.logits(decoder, new Routing.Arrow(experts, 1000, 1, Combine.OUTPUTS, false), ids);
        assertThat(Fixtures.maxDifference(all, more)).isZero();
    }

    @Test
    void one_expert_by_arrow_is_that_expert_alone() {
        Expert expert = Fixtures.load(decoder, "adapters/r8-all-linear-rslora");
        int[] ids = Fixtures.tokens(17, 8);
        for (Combine combine : Combine.values()) {
            float[][] routed =
                    Fixtures.logits(decoder, new Routing.Arrow(List.of(expert), 3, 0.1, combine, false), ids);
            assertThat(Fixtures.maxDifference(routed, Fixtures.logits(decoder, single(expert), ids)))
                    .isLessThan(SAME);
        }
    }

    @Test
    void an_expert_of_weight_zero_is_the_base_model() {
        Expert expert = Fixtures.load(decoder, "adapters/r8-all-linear-rslora");
        int[] ids = Fixtures.tokens(9, 9);
        float[][] base = Fixtures.logits(decoder, new Routing.Base(), ids);
        float[][] zero = Fixtures.logits(decoder, new Routing.Fixed(List.of(expert), List.of(0.0)), ids);
        assertThat(Fixtures.maxDifference(base, zero)).isZero();
        assertThat(Fixtures.maxDifference(base, Fixtures.logits(decoder, single(expert), ids)))
                .isGreaterThan(0.1);
    }

    @Test
    void bfloat16_stays_near_float32_and_chooses_the_same_token_where_it_is_clear() {
        try (TorchDecoder coarse = Fixtures.open("llama", Precision.BF16)) {
            for (Fixtures.Prompt prompt : Fixtures.prompts("models/llama/expected.json")) {
                float[][] fine = Fixtures.logits(decoder, mixed(Combine.OUTPUTS), prompt.ids());
                Routing routing = new Routing.Arrow(Fixtures.load(coarse, MIXED), 2, 0.7, Combine.OUTPUTS, false);
                float[][] rough = Fixtures.logits(coarse, routing, prompt.ids());
                for (int row = 0; row < fine.length; row++) {
                    if (margin(fine[row]) > 1) {
                        assertThat(Fixtures.argmax(rough[row])).isEqualTo(Fixtures.argmax(fine[row]));
                    }
                }
                assertThat(meanDifference(fine, rough)).isBetween(1e-6, 0.3);
            }
        }
    }

    private static double margin(float[] logits) {
        float best = logits[Fixtures.argmax(logits)];
        double second = IntStream.range(0, logits.length)
                .filter(i -> i != Fixtures.argmax(logits))
                .mapToDouble(i -> logits[i])
                .max()
                .orElseThrow();
        return best - second;
    }

    private static double meanDifference(float[][] a, float[][] b) {
        double sum = 0;
        for (int row = 0; row < a.length; row++) {
            for (int i = 0; i < a[row].length; i++) {
                sum += Math.abs(a[row][i] - b[row][i]);
            }
        }
        return sum / a.length / a[0].length;
    }
}
