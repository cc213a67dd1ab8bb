package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.Tracing;
import io.quiver.lora.evidence.InputPlace;
import io.quiver.lora.evidence.ProbePoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole prompts in the kernels: against libtorch, whose float32 is the truth and whose bfloat16 says how near one comes, and against themselves. */
class ReadingTest {
    private static final String[] LINEARS = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"
    };

    @TempDir
    static Path folder;

    @BeforeAll
    static void a_processor_that_multiplies_pairs_of_bfloat16() {
        assumeTrue(Kernels.present(), "SKIPPED: the build made no kernels");
        try (TorchDecoder decoder = model("llama", 1).open(bfloat16(1))) {
            assumeTrue(decoder.reads(), "SKIPPED: this processor does not multiply pairs of bfloat16");
        }
    }

    private static RandomModel model(String family, int size) {
        return RandomModel.write(folder.resolve(family + size), family, size);
    }

    private static DecoderSettings bfloat16(int threads) {
        return DecoderSettings.cpu(Precision.BF16, threads);
    }

    private static int[] tokens(int count, long seed) {
        return new Random(seed).ints(count, 6, 288).toArray();
    }

    /** Root of the mean square of a difference. */
    private static double distance(float[][] a, float[][] b) {
        double square = 0;
        long count = 0;
        for (int row = 0; row < a.length; row++) {
            for (int i = 0; i < a[row].length; i++, count++) {
                double difference = a[row][i] - b[row][i];
                square += difference * difference;
            }
        }
        assertThat(square).isFinite();
        return Math.sqrt(square / count);
    }

    /** It is no further from float32 than libtorch's bfloat16 is, give or take. */
    private static void assertFaithful(float[][] read, float[][] bfloat16, float[][] exact) {
        assertThat(distance(read, exact)).isLessThan(1.25 * distance(bfloat16, exact));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama",
                "llama-rope-llama3",
                "mistral",
                "qwen2",
                "qwen3",
                "phi",
                "phi3",
                "phi3-partial",
                "gemma2",
                "gemma3"
            })
    void every_family_is_read_as_libtorch_reads_it(String family) {
        RandomModel model = model(family, 1);
        int[] ids = tokens(150, 1);
        try (TorchDecoder kernels = model.open(bfloat16(2));
                TorchDecoder torch = model.open(bfloat16(2).withoutKernels());
                TorchDecoder exact =
                        model.open(DecoderSettings.cpu(Precision.FP32, 2).withoutKernels())) {
            assertThat(kernels.reads()).isTrue();
            assertThat(torch.reads()).isFalse();
            Routing base = new Routing.Base();
            assertFaithful(
                    Fixtures.logits(kernels, base, ids),
                    Fixtures.logits(torch, base, ids),
                    Fixtures.logits(exact, base, ids));
        }
    }

    @ParameterizedTest
    @CsvSource({"llama, INT8", "llama, INT4", "phi, INT8", "gemma2, INT4"})
    void weights_of_few_bits_are_read_as_libtorch_reads_them(String family, Precision precision) {
        RandomModel model = model(family, 1);
        int[] ids = tokens(100, 2);
        DecoderSettings settings = DecoderSettings.cpu(precision, 2);
        try (TorchDecoder kernels = model.open(settings);
                TorchDecoder torch = model.open(settings.withoutKernels())) {
            float[][] read = Fixtures.logits(kernels, new Routing.Base(), ids);
            assertThat(distance(read, Fixtures.logits(torch, new Routing.Base(), ids)))
                    .isLessThan(0.03 * distance(read, new float[read.length][read[0].length]));
        }
    }

    /** Experts of different ranks, some beyond a vector, for some linears only. */
    private static List<Expert> experts(RandomModel model, TorchDecoder decoder, int count) {
        List<Expert> experts = new ArrayList<>();
        int[] ranks = {8, 16, 4, 1, 20, 32};
        for (int i = 0; i < count; i++) {
            String[] linears =
                    i % 4 == 2 ? new String[] {"q_proj", "v_proj"} : i % 4 == 3 ? new String[] {"down_proj"} : LINEARS;
            experts.add(model.expert(decoder, i, ranks[i % ranks.length], linears));
        }
        return experts;
    }

    private static List<Routing> routings(List<Expert> some) {
        return List.of(
                new Routing.Base(),
                new Routing.Fixed(some.subList(1, 2), List.of(1.0)),
                new Routing.Fixed(some.subList(0, 5), List.of(0.5, -0.25, 0.125, 0.5, 0.0)),
                new Routing.Arrow(some.subList(0, 5), 5, 0.7, Combine.OUTPUTS, Tracing.SHARES),
                new Routing.Arrow(some.subList(0, 5), 5, 2, Combine.FACTORS, Tracing.SHARES),
                new Routing.Arrow(some.subList(0, 6), 2, 1, Combine.OUTPUTS, Tracing.SHARES),
                new Routing.Arrow(some, 3, 1, Combine.OUTPUTS, Tracing.SHARES));
    }

    @Test
    void every_routing_gives_what_it_gives_with_libtorch() {
        RandomModel model = model("llama", 2);
        int[] ids = tokens(200, 3);
        try (TorchDecoder kernels = model.open(bfloat16(2));
                TorchDecoder torch = model.open(bfloat16(2).withoutKernels());
                TorchDecoder exact =
                        model.open(DecoderSettings.cpu(Precision.FP32, 2).withoutKernels())) {
            List<Routing> read = routings(experts(model, kernels, 20));
            List<Routing> rounded = routings(experts(model, torch, 20));
            List<Routing> precise = routings(experts(model, exact, 20));
            for (int r = 0; r < read.size(); r++) {
                StepOutput mine = Fixtures.prefill(kernels, read.get(r), ids);
                StepOutput theirs = Fixtures.prefill(torch, rounded.get(r), ids);
                StepOutput right = Fixtures.prefill(exact, precise.get(r), ids);
                assertThat(distance(mine.logitsByToken(), right.logitsByToken()))
                        .as("routing %d", r)
                        .isLessThan(1.25 * distance(theirs.logitsByToken(), right.logitsByToken()));
                assertThat(mine.shares()).hasSameSizeAs(right.shares());
                for (int e = 0; e < mine.shares().length; e++) {
                    assertThat(mine.shares()[e])
                            .as("routing %d, expert %d", r, e)
                            .isCloseTo(right.shares()[e], org.assertj.core.api.Assertions.within(0.02f));
                }
            }
        }
    }

    @Test
    void neither_threads_nor_pieces_nor_company_change_a_bit() {
        RandomModel model = model("llama", 2);
        int[] ids = tokens(240, 4);
        List<float[]> alone = new ArrayList<>();
        try (TorchDecoder decoder = model.open(bfloat16(2))) {
            List<Routing> routings = routings(experts(model, decoder, 20));
            routings.forEach(routing -> alone.add(last(decoder, routing, ids)));
            List<Sequence> sequences = routings.stream().map(decoder::open).toList();
            List<StepOutput> together = decoder.step(sequences.stream()
                    .map(sequence ->
                            new Feed(sequence, sequences.indexOf(sequence) % 2 == 0 ? ids : Arrays.copyOf(ids, 70)))
                    .toList());
            for (int r = 0; r < routings.size(); r += 2) {
                assertThat(together.get(r).logits()).as("routing %d", r).isEqualTo(alone.get(r));
            }
            sequences.forEach(Sequence::close);
        }
        for (int threads : new int[] {1, 3}) {
            DecoderSettings inPieces =
                    new DecoderSettings("cpu", Precision.BF16, threads, threads == 1 ? 512 : 48, 256);
            try (TorchDecoder decoder = model.open(inPieces)) {
                List<Routing> routings = routings(experts(model, decoder, 20));
                for (int r = 0; r < routings.size(); r++) {
                    assertThat(last(decoder, routings.get(r), ids))
                            .as("routing %d, %d threads", r, threads)
                            .isEqualTo(alone.get(r));
                }
            }
        }
    }

    private static float[] last(TorchDecoder decoder, Routing routing, int[] ids) {
        try (Sequence sequence = decoder.open(routing)) {
            return decoder.step(List.of(new Feed(sequence, ids))).get(0).logits();
        }
    }

    @Test
    void what_linears_read_is_kept_as_libtorch_keeps_it() {
        RandomModel model = model("llama", 1);
        int[] ids = tokens(90, 5);
        List<ProbePoint> points = IntStream.range(0, 3)
                .boxed()
                .flatMap(layer -> Stream.of(InputPlace.values()).map(place -> new ProbePoint(layer, place)))
                .toList();
        try (TorchDecoder kernels = model.open(bfloat16(2));
                TorchDecoder torch = model.open(bfloat16(2).withoutKernels());
                TorchDecoder exact =
                        model.open(DecoderSettings.cpu(Precision.FP32, 2).withoutKernels())) {
            for (ProbePoint point : points) {
                float[][] read = kept(kernels, points, point, ids);
                assertFaithful(read, kept(torch, points, point, ids), kept(exact, points, point, ids));
                assertThat(keptInPieces(kernels, points, point, ids)).isEqualTo(read);
            }
        }
    }

    private static float[][] kept(TorchDecoder decoder, List<ProbePoint> points, ProbePoint point, int[] ids) {
        try (Sequence sequence = decoder.open(new Routing.Base(), 200, points)) {
            decoder.step(List.of(new Feed(sequence, ids)));
            return new float[][] {decoder.inputs(sequence, point, 0, ids.length)};
        }
    }

    /** In pieces of few tokens, too: who keeps something is read whatever its length. */
    private static float[][] keptInPieces(TorchDecoder decoder, List<ProbePoint> points, ProbePoint point, int[] ids) {
        try (Sequence sequence = decoder.open(new Routing.Base(), 200, points)) {
            int[] ends = {1, 6, 40, ids.length};
            for (int i = 0, from = 0; i < ends.length; from = ends[i++]) {
                decoder.step(List.of(new Feed(sequence, Arrays.copyOfRange(ids, from, ends[i]))));
            }
            return new float[][] {decoder.inputs(sequence, point, 0, ids.length)};
        }
    }
}
