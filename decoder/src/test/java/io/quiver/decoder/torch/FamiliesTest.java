package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Decoder.ModuleTrace;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Families other than llama: what must not change their numbers, and adapters on modules that are fused or named otherwise. */
class FamiliesTest {
    private static final double SAME = 5e-5;

    private static int[] tokens(int count, long seed) {
        return new Random(seed).ints(count, 6, 288).toArray();
    }

    @ParameterizedTest
    @CsvSource({
        "mistral, 1",
        "mistral, 5",
        "mistral, 16",
        "gemma2, 3",
        "gemma2, 20",
        "gemma3, 6",
        "phi, 7",
        "phi3, 7",
        "qwen2, 7",
        "qwen3, 7"
    })
    void a_prompt_in_pieces_gives_what_it_gives_in_one_go(String model, int stepTokensMax) throws IOException {
        int[] ids = tokens(41, 3);
        float[][] whole;
        try (TorchDecoder decoder = Fixtures.open(model, Precision.FP32)) {
            whole = Fixtures.logits(decoder, new Routing.Base(), ids);
        }
        DecoderSettings settings = new DecoderSettings("cpu", Precision.FP32, 2, stepTokensMax, 64);
        try (TorchDecoder cutting = TorchDecoder.open(Fixtures.path("models/" + model), settings)) {
            assertThat(Fixtures.maxDifference(Fixtures.logits(cutting, new Routing.Base(), ids), whole))
                    .isLessThan(SAME);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"mistral", "gemma2", "gemma3", "phi"})
    void sequences_of_different_length_in_one_batch_give_what_each_gives_alone(String model) {
        try (TorchDecoder decoder = Fixtures.open(model, Precision.FP32)) {
            List<int[]> prompts = List.of(tokens(1, 1), tokens(6, 2), tokens(23, 3), tokens(9, 4));
            List<Sequence> sequences = new ArrayList<>();
            List<Feed> feeds = new ArrayList<>();
            for (int[] prompt : prompts) {
                sequences.add(decoder.open(new Routing.Base()));
                feeds.add(new Feed(sequences.get(sequences.size() - 1), prompt));
            }
            int[] next = tokens(12, 5);
            List<StepOutput> outputs = decoder.step(feeds);
            for (int t = 0; t <= next.length; t++) {
                for (int i = 0; i < prompts.size(); i++) {
                    float[][] alone = Fixtures.logits(decoder, new Routing.Base(), joined(prompts.get(i), next, t));
                    assertThat(Fixtures.maxDifference(
                                    new float[][] {outputs.get(i).logits()}, new float[][] {alone[alone.length - 1]}))
                            .as("sequence %d after %d tokens", i, t)
                            .isLessThan(SAME);
                }
                if (t < next.length) {
                    int[] fed = {next[t]};
                    outputs = decoder.step(sequences.stream()
                            .map(sequence -> new Feed(sequence, fed))
                            .toList());
                }
            }
            sequences.forEach(Sequence::close);
        }
    }

    private static int[] joined(int[] prompt, int[] next, int count) {
        int[] all = new int[prompt.length + count];
        System.arraycopy(prompt, 0, all, 0, prompt.length);
        System.arraycopy(next, 0, all, prompt.length, count);
        return all;
    }

    @ParameterizedTest
    @ValueSource(strings = {"mistral", "qwen2", "qwen3", "phi", "phi3", "gemma2", "gemma3"})
    void the_text_for_other_devices_gives_the_same_logits_on_the_cpu(String model) throws IOException {
        int[] ids = tokens(23, 7);
        try (TorchDecoder usual = Fixtures.open(model, Precision.FP32);
                TorchDecoder plain = TorchDecoder.open(
                        Fixtures.path("models/" + model),
                        DecoderSettings.cpu(Precision.FP32, 1),
                        DecoderProgram.PLAIN)) {
            assertThat(Fixtures.maxDifference(
                            Fixtures.logits(plain, new Routing.Base(), ids),
                            Fixtures.logits(usual, new Routing.Base(), ids)))
                    .isLessThan(SAME);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"mistral", "qwen2", "qwen3", "phi", "phi3", "gemma2", "gemma3"})
    void bfloat16_stays_near_float32(String model) {
        int[] ids = tokens(33, 8);
        try (TorchDecoder exact = Fixtures.open(model, Precision.FP32);
                TorchDecoder rounded = Fixtures.open(model, Precision.BF16)) {
            float[][] expected = Fixtures.logits(exact, new Routing.Base(), ids);
            float[][] found = Fixtures.logits(rounded, new Routing.Base(), ids);
            double error = 0;
            double size = 0;
            for (int t = 0; t < ids.length; t++) {
                for (int v = 0; v < expected[t].length; v++) {
                    error += Math.pow(found[t][v] - expected[t][v], 2);
                    size += Math.pow(expected[t][v], 2);
                }
            }
            assertThat(Math.sqrt(error / size)).isPositive().isLessThan(0.03);
        }
    }

    @Test
    void a_fused_module_is_routed_as_one_module() {
        try (TorchDecoder decoder = Fixtures.open("phi3", Precision.FP32)) {
            Expert expert = Fixtures.load(decoder, "adapters/phi3-r4");
            StepOutput output = Fixtures.prefill(
                    decoder, new Routing.Arrow(List.of(expert), 1, 1, Combine.OUTPUTS, true), tokens(9, 9));
            assertThat(output.trace().stream().map(ModuleTrace::module))
                    .contains("model.layers.0.self_attn.qkv_proj", "model.layers.1.mlp.gate_up_proj")
                    .hasSize(8);
        }
    }

    @ParameterizedTest
    @CsvSource({"mistral, mistral-r4", "qwen2, qwen2-r8-all-linear", "phi, phi-r4", "phi3, phi3-r4"})
    void one_expert_by_arrow_is_that_expert_alone(String model, String adapter) {
        try (TorchDecoder decoder = Fixtures.open(model, Precision.FP32)) {
            Expert expert = Fixtures.load(decoder, "adapters/" + adapter);
            int[] ids = tokens(19, 10);
            float[][] alone = Fixtures.logits(decoder, new Routing.Fixed(List.of(expert), List.of(1.0)), ids);
            Routing arrow = new Routing.Arrow(List.of(expert), 1, 1, Combine.OUTPUTS, false);
            assertThat(Fixtures.maxDifference(Fixtures.logits(decoder, arrow, ids), alone))
                    .isLessThan(SAME);
        }
    }
}
