package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.lora.evidence.InputPlace;
import io.quiver.lora.evidence.ProbePoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What sequences keep of the inputs of their linear modules; goldens by tools/goldens/inputs.py. */
class KeptInputsTest {
    private static final double SAME = 5e-5;
    private static final double GOLDEN = 1e-4;
    private static final List<ProbePoint> SOME =
            List.of(new ProbePoint(1, InputPlace.MLP_MID), new ProbePoint(0, InputPlace.ATTENTION_OUT));

    private static int[] tokens(int count, long seed) {
        return new Random(seed).ints(count, 6, 288).toArray();
    }

    private static List<ProbePoint> all(TorchDecoder decoder) {
        return Stream.iterate(0, layer -> layer < decoder.config().layers(), layer -> layer + 1)
                .flatMap(layer -> Arrays.stream(InputPlace.values()).map(place -> new ProbePoint(layer, place)))
                .toList();
    }

    private static Sequence feed(TorchDecoder decoder, Sequence sequence, int[] tokens) {
        decoder.step(List.of(new Feed(sequence, tokens)));
        return sequence;
    }

    private static Sequence open(TorchDecoder decoder, List<ProbePoint> probed) {
        return decoder.open(new Routing.Base(), 200, probed);
    }

    /** Everything that a sequence keeps, point after point. */
    private static float[][] kept(TorchDecoder decoder, Sequence sequence) {
        return sequence.probed().stream()
                .map(point -> decoder.inputs(sequence, point, 0, sequence.length()))
                .toArray(float[][]::new);
    }

    private static float[][] keptInOneGo(TorchDecoder decoder, List<ProbePoint> probed, int[] tokens) {
        try (Sequence sequence = feed(decoder, open(decoder, probed), tokens)) {
            return kept(decoder, sequence);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama",
                "llama-tied-sharded",
                "llama-rope-llama3",
                "llama-bf16",
                "mistral",
                "qwen2",
                "qwen3",
                "phi",
                "phi3",
                "phi3-partial",
                "gemma2",
                "gemma3"
            })
    void every_family_keeps_what_its_linears_read(String model) {
        try (TorchDecoder decoder = Fixtures.open(model, Precision.FP32)) {
            int[] ids = Fixtures.prompts("models/" + model + "/expected.json")
                    .get(1)
                    .ids();
            try (Sequence sequence = feed(decoder, open(decoder, all(decoder)), ids)) {
                for (ProbePoint point : sequence.probed()) {
                    float[][] expected = Fixtures.rows("models/" + model + "/inputs.safetensors", point.name());
                    float[] inputs = decoder.inputs(sequence, point, 0, ids.length);
                    for (int t = 0; t < ids.length; t++) {
                        int in = expected[t].length;
                        float[] row = Arrays.copyOfRange(inputs, t * in, (t + 1) * in);
                        assertThat(row).as("%s of token %d", point, t).hasSize(in);
                        assertThat(Fixtures.maxDifference(new float[][] {row}, new float[][] {expected[t]}))
                                .as("%s of token %d", point, t)
                                .isLessThan(GOLDEN);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"llama, 1", "llama, 7", "phi, 16", "gemma2, 5"})
    void a_prompt_in_pieces_leaves_what_it_leaves_in_one_go(String model, int stepTokensMax) {
        int[] ids = tokens(90, 3);
        float[][] whole;
        try (TorchDecoder decoder = Fixtures.open(model, Precision.FP32)) {
            whole = keptInOneGo(decoder, all(decoder), ids);
        }
        DecoderSettings settings = new DecoderSettings("cpu", Precision.FP32, 2, stepTokensMax, 64);
        try (TorchDecoder cutting = Fixtures.open(model, settings)) {
            assertThat(Fixtures.maxDifference(keptInOneGo(cutting, all(cutting), ids), whole))
                    .isLessThan(SAME);
        }
    }

    @Test
    void what_is_kept_goes_on_when_another_sequence_begins_with_it() {
        int[] ids = tokens(90, 4);
        try (TorchDecoder decoder = Fixtures.open("llama", Precision.FP32)) {
            float[][] whole = keptInOneGo(decoder, SOME, ids);
            try (Sequence source = feed(decoder, open(decoder, SOME), Arrays.copyOf(ids, 70))) {
                source.freeze();
                try (Sequence fork = decoder.fork(source, 64, 200)) {
                    feed(decoder, fork, Arrays.copyOfRange(ids, 64, 90));
                    assertThat(fork.probed()).isEqualTo(SOME);
                    assertThat(Fixtures.maxDifference(kept(decoder, fork), whole))
                            .isLessThan(SAME);
                }
                try (Sequence fewer = decoder.fork(source, 64, 200, SOME.subList(1, 2))) {
                    feed(decoder, fewer, Arrays.copyOfRange(ids, 64, 90));
                    assertThat(Fixtures.maxDifference(kept(decoder, fewer), new float[][] {whole[1]}))
                            .isLessThan(SAME);
                }
                List<ProbePoint> more = all(decoder);
                assertThatThrownBy(() -> decoder.fork(source, 64, 200, more))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("layers.1.mlp_mid");
            }
        }
    }

    @Test
    void sequences_of_one_step_keep_different_things_beside_experts_that_nobody_probes() {
        try (TorchDecoder decoder = Fixtures.open("llama", Precision.FP32)) {
            Expert expert = Fixtures.load(decoder, "adapters/r8-all-linear-rslora");
            Routing adapted = new Routing.Fixed(List.of(expert), List.of(1.0));
            List<ProbePoint> all = all(decoder);
            int[] ids = tokens(50, 5);
            try (Sequence text = decoder.open(adapted);
                    Sequence plain = decoder.open(new Routing.Base());
                    Sequence some = open(decoder, SOME);
                    Sequence every = open(decoder, all)) {
                for (int first = 0; first < 50; first += 10) {
                    int[] piece = Arrays.copyOfRange(ids, first, first + 10);
                    List<Feed> feeds = new ArrayList<>();
                    for (Sequence sequence : List.of(text, some, plain, every)) {
                        feeds.add(new Feed(sequence, piece));
                    }
                    decoder.step(feeds);
                }
                assertThat(Fixtures.maxDifference(kept(decoder, some), keptInOneGo(decoder, SOME, ids)))
                        .isLessThan(SAME);
                assertThat(Fixtures.maxDifference(kept(decoder, every), keptInOneGo(decoder, all, ids)))
                        .isLessThan(SAME);
            }
        }
    }

    @Test
    void a_sequence_that_keeps_inputs_goes_on_as_one_that_does_not() {
        int[] ids = tokens(60, 6);
        try (TorchDecoder decoder = Fixtures.open("llama", Precision.FP32);
                Sequence plain = decoder.open(new Routing.Base());
                Sequence probed = open(decoder, all(decoder))) {
            for (int[] piece : List.of(Arrays.copyOf(ids, 58), new int[] {ids[58]}, new int[] {ids[59]})) {
                float[] expected =
                        decoder.step(List.of(new Feed(plain, piece))).get(0).logits();
                float[] logits =
                        decoder.step(List.of(new Feed(probed, piece))).get(0).logits();
                assertThat(Fixtures.maxDifference(new float[][] {logits}, new float[][] {expected}))
                        .isLessThan(SAME);
            }
        }
    }

    @Test
    void in_bf16_the_inputs_are_those_of_the_base_in_bf16() {
        int[] ids = tokens(40, 7);
        float[][] exact;
        try (TorchDecoder decoder = Fixtures.open("llama", Precision.FP32)) {
            exact = keptInOneGo(decoder, all(decoder), ids);
        }
        try (TorchDecoder decoder = Fixtures.open("llama", Precision.BF16)) {
            float[][] rounded = keptInOneGo(decoder, all(decoder), ids);
            for (float x : rounded[0]) {
                assertThat(Float.floatToRawIntBits(x) & 0xffff).isZero();
            }
            assertThat(Fixtures.maxDifference(new float[][] {rounded[0]}, new float[][] {exact[0]}))
                    .isBetween(1e-6, 0.05);
        }
    }

    @Test
    void kept_inputs_count_as_memory_and_are_freed_with_their_sequence() {
        try (TorchDecoder decoder = Fixtures.open("llama", Precision.FP32)) {
            // Of 104 and 72 numbers of four bytes.
            assertThat(decoder.cacheBytes(1, SOME) - decoder.cacheBytes(1)).isEqualTo(4 * (104 + 72));
            Sequence sequence = feed(decoder, open(decoder, SOME), tokens(64, 8));
            assertThat(sequence.cacheBytes()).isEqualTo(decoder.cacheBytes(64, SOME));
            Sequence fork = decoder.fork(sequence, 64, 64, List.of());
            assertThat(decoder.cacheBytes()).isEqualTo(decoder.cacheBytes(64, SOME) + decoder.cacheBytes(64));
            sequence.close();
            assertThat(decoder.cacheBytes()).isEqualTo(decoder.cacheBytes(64));
            fork.close();
            assertThat(decoder.cacheBytes()).isZero();
            assertThatThrownBy(() -> decoder.inputs(sequence, SOME.get(0), 0, 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("closed");
        }
    }

    @Test
    void points_and_tokens_that_are_not_there_are_refused() {
        try (TorchDecoder decoder = Fixtures.open("llama", Precision.FP32);
                Sequence sequence = feed(decoder, open(decoder, SOME), tokens(10, 9))) {
            assertThatThrownBy(() -> open(decoder, List.of(new ProbePoint(3, InputPlace.MLP_IN))))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("no layer 3");
            assertThatThrownBy(() -> open(decoder, List.of(SOME.get(0), SOME.get(0))))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("twice");
            assertThatThrownBy(() -> decoder.inputs(sequence, new ProbePoint(1, InputPlace.MLP_IN), 0, 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("keeps the inputs of");
            for (int[] range : new int[][] {{-1, 1}, {0, 11}, {10, 1}, {3, 0}}) {
                assertThatThrownBy(() -> decoder.inputs(sequence, SOME.get(0), range[0], range[1]))
                        .isInstanceOf(IllegalArgumentException.class);
            }
            assertThat(decoder.inputs(sequence, SOME.get(0), 9, 1)).hasSize(104);
        }
    }
}
