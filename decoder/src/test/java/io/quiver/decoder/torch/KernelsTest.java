package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Gate;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Scoring;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.Tracing;
import io.quiver.lora.gate.InputNorm;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The kernels against TorchScript and against themselves. */
class KernelsTest {
    private static final List<String> MIXED =
            List.of("adapters/r1-qv", "adapters/r4-attn", "adapters/r8-all-linear-rslora", "adapters/layers-0-2");

    @BeforeAll
    static void the_build_makes_kernels_where_it_finds_a_compiler() {
        boolean compiler = Stream.of(System.getenv("PATH").split(Pattern.quote(File.pathSeparator)))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, "g++")));
        assumeTrue(compiler, "SKIPPED: there is no g++ on this machine, so the build made no kernels");
        assertThat(Kernels.missing()).isEmpty();
    }

    private static TorchDecoder open(String model, Precision precision, int threads) {
        return Fixtures.open(model, DecoderSettings.cpu(precision, threads));
    }

    private static int[] tokens(int count, long seed) {
        return new Random(seed).ints(count, 6, 250).toArray();
    }

    /** One of each kind that the kernels take. */
    private static List<Routing> routings(TorchDecoder decoder) {
        List<Expert> experts = Fixtures.load(decoder, MIXED);
        return List.of(
                new Routing.Base(),
                new Routing.Fixed(experts.subList(1, 2), List.of(1.0)),
                new Routing.Fixed(experts, List.of(0.5, -0.25, 0.125, 0.0)),
                new Routing.Arrow(experts, 2, 0.7, Combine.OUTPUTS, Tracing.SHARES),
                new Routing.Arrow(experts, 3, 1, Combine.FACTORS, Tracing.SHARES),
                new Routing.Arrow(experts.subList(0, 3), 1, 1, Combine.OUTPUTS, Tracing.NONE));
    }

    /** Outputs after each token, fed one by one. */
    private static List<StepOutput> oneByOne(TorchDecoder decoder, Routing routing, int[] ids) {
        List<StepOutput> outputs = new ArrayList<>();
        try (Sequence sequence = decoder.open(routing)) {
            for (int id : ids) {
                outputs.addAll(decoder.step(List.of(new Feed(sequence, new int[] {id}))));
            }
        }
        return outputs;
    }

    @ParameterizedTest
    @CsvSource({
        "llama, FP32, 5e-5",
        "llama, BF16, 0.3",
        "mistral, FP32, 5e-5",
        "qwen2, FP32, 5e-5",
        "qwen3, FP32, 5e-5",
        "phi, FP32, 5e-5",
        "phi3, FP32, 5e-5",
        "gemma2, FP32, 5e-5",
        "llama, INT8, 0.5",
        "llama, INT4, 0.5",
        "phi, INT8, 0.5",
        "gemma2, INT4, 0.5"
    })
    // Few bits are rounded to bfloat16 once more without kernels, which multiply them as they are.
    void a_base_model_gives_what_it_gives_without_kernels(String model, Precision precision, double most) {
        int[] ids = tokens(40, 1);
        try (TorchDecoder with = open(model, precision, 2);
                TorchDecoder without =
                        Fixtures.open(model, DecoderSettings.cpu(precision, 2).withoutKernels())) {
            List<StepOutput> fast = oneByOne(with, new Routing.Base(), ids);
            List<StepOutput> plain = oneByOne(without, new Routing.Base(), ids);
            for (int i = 0; i < ids.length; i++) {
                assertThat(Fixtures.maxDifference(
                                fast.get(i).logitsByToken(), plain.get(i).logitsByToken()))
                        .as("token %d", i)
                        .isLessThan(most);
            }
        }
    }

    @Test
    void every_routing_gives_the_logits_and_shares_that_it_gives_without_kernels() {
        int[] ids = tokens(20, 2);
        try (TorchDecoder with = open("llama", Precision.FP32, 2);
                TorchDecoder without = Fixtures.open(
                        "llama", DecoderSettings.cpu(Precision.FP32, 2).withoutKernels())) {
            List<Routing> fastOnes = routings(with);
            List<Routing> plainOnes = routings(without);
            for (int r = 0; r < fastOnes.size(); r++) {
                List<StepOutput> fast = oneByOne(with, fastOnes.get(r), ids);
                List<StepOutput> plain = oneByOne(without, plainOnes.get(r), ids);
                for (int i = 0; i < ids.length; i++) {
                    assertThat(Fixtures.maxDifference(
                                    fast.get(i).logitsByToken(), plain.get(i).logitsByToken()))
                            .as("routing %d, token %d", r, i)
                            .isLessThan(5e-5);
                    assertThat(Fixtures.maxDifference(
                                    new float[][] {fast.get(i).shares()},
                                    new float[][] {plain.get(i).shares()}))
                            .isLessThan(5e-5);
                }
            }
        }
    }

    /** Gates choose outside the kernels, which add what was chosen: of all experts, so that rounding cannot change who is. */
    @ParameterizedTest
    @CsvSource({"FP32, 5e-5", "BF16, 0.3", "INT8, 0.3", "INT4, 0.3"})
    void what_a_gate_has_chosen_adds_what_it_adds_without_kernels(Precision precision, double most) {
        int[] ids = tokens(20, 6);
        try (TorchDecoder with = open("llama", precision, 2);
                TorchDecoder without =
                        Fixtures.open("llama", DecoderSettings.cpu(precision, 2).withoutKernels())) {
            List<Expert> fastOnes = Fixtures.load(with, MIXED);
            List<Expert> plainOnes = Fixtures.load(without, MIXED);
            for (Gate gate : List.of(new Gate.Arrow(), new Gate.Spectr(), new Gate.Lag(4))) {
                for (Combine combine : Combine.values()) {
                    Scoring scoring = new Scoring(gate, InputNorm.UNIT, OptionalDouble.empty());
                    float[][] base = Fixtures.logits(with, new Routing.Base(), ids);
                    float[][] fast = Fixtures.logits(
                            with, new Routing.Gated(fastOnes, scoring, 4, 0.5, combine, Tracing.NONE), ids);
                    float[][] plain = Fixtures.logits(
                            without, new Routing.Gated(plainOnes, scoring, 4, 0.5, combine, Tracing.NONE), ids);
                    assertThat(Fixtures.maxDifference(fast, plain))
                            .as("%s, %s", gate, combine)
                            .isLessThan(most);
                    assertThat(Fixtures.maxDifference(fast, base)).isGreaterThan((float) (3 * most));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_row_of_a_batch_has_the_same_bits_as_alone(Precision precision) {
        try (TorchDecoder decoder = open("llama", precision, 2)) {
            List<Routing> routings = routings(decoder);
            List<Sequence> sequences = routings.stream().map(decoder::open).toList();
            int[] ids = tokens(9, 3);
            for (int i = 0; i < ids.length; i++) {
                int id = ids[i];
                List<StepOutput> together = decoder.step(sequences.stream()
                        .map(sequence -> new Feed(sequence, new int[] {id}))
                        .toList());
                for (int r = 0; r < routings.size(); r++) {
                    StepOutput alone = oneByOne(decoder, routings.get(r), java.util.Arrays.copyOf(ids, i + 1))
                            .get(i);
                    assertThat(together.get(r).logits()).as("routing %d", r).isEqualTo(alone.logits());
                    assertThat(together.get(r).shares()).isEqualTo(alone.shares());
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "FP32")
    void the_number_of_threads_changes_no_bit(Precision precision) {
        int[] ids = tokens(9, 4);
        try (TorchDecoder one = open("llama", precision, 1);
                TorchDecoder three = open("llama", precision, 3)) {
            List<Routing> ofOne = routings(one);
            List<Routing> ofThree = routings(three);
            for (int r = 0; r < ofOne.size(); r++) {
                assertThat(oneByOne(three, ofThree.get(r), ids).get(8).logits())
                        .isEqualTo(oneByOne(one, ofOne.get(r), ids).get(8).logits());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "FP32")
    void several_tokens_of_one_sequence_have_the_same_bits_as_one_by_one(Precision precision) {
        int[] ids = tokens(12, 5);
        try (TorchDecoder decoder = open("llama", precision, 2)) {
            for (Routing routing : routings(decoder)) {
                List<StepOutput> single = oneByOne(decoder, routing, ids);
                try (Sequence sequence = decoder.open(routing)) {
                    float[][] together = decoder.step(List.of(new Feed(sequence, ids, true)))
                            .get(0)
                            .logitsByToken();
                    for (int i = 0; i < ids.length; i++) {
                        assertThat(together[i]).isEqualTo(single.get(i).logits());
                    }
                }
            }
        }
    }
}
