package io.quiver.benchmarks;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * What decoding together brings, in the shape of SmolLM2-135M with random weights. First the tokens a second of eight texts in one
 * batch against the same eight one after another: on the base model, with one library of 8 experts for all, and with eight
 * different libraries of 8 experts. Then the gaps between the tokens of a running text while a prompt of 2,000 tokens is read
 * beside it, in pieces of several sizes. Prints one JSON line a case.
 *
 * <p>Arguments: {@code [bf16|fp32] [threads] [rounds]}.
 */
public final class BatchBenchmark {
    private static final int TEXTS = 8;
    private static final int LIBRARY = 8;
    private static final int TOP_K = 4;
    private static final int PROMPT_TOKENS = 128;
    private static final int TOKENS = 16;
    private static final int LONG_PROMPT_TOKENS = 2000;

    private final RandomDecoder model;

    private BatchBenchmark(RandomDecoder model) {
        this.model = model;
    }

    public static void main(String[] arguments) throws IOException {
        Precision precision = arguments.length > 0 && arguments[0].equals("fp32") ? Precision.FP32 : Precision.BF16;
        int threads = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 2;
        int rounds = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 5;
        try (RandomDecoder model = new RandomDecoder(precision, threads)) {
            List<Expert> experts = model.load(TEXTS * LIBRARY);
            List<Routing> different = new ArrayList<>();
            for (int i = 0; i < TEXTS; i++) {
                different.add(arrow(experts.subList(i * LIBRARY, (i + 1) * LIBRARY)));
            }
            BatchBenchmark benchmark = new BatchBenchmark(model);
            benchmark.throughput("base", same(new Routing.Base()), rounds);
            benchmark.throughput("one library", same(different.get(0)), rounds);
            benchmark.throughput("eight libraries", different, rounds);
            for (Routing routing : List.of(new Routing.Base(), different.get(0))) {
                for (int piece : new int[] {64, 128, 256, 512, LONG_PROMPT_TOKENS}) {
                    benchmark.gaps(routing, piece);
                }
            }
        }
    }

    private static Routing arrow(List<Expert> experts) {
        return new Routing.Arrow(experts, TOP_K, 1, Combine.OUTPUTS, false);
    }

    private static List<Routing> same(Routing routing) {
        return IntStream.range(0, TEXTS).mapToObj(i -> routing).toList();
    }

    private void throughput(String name, List<Routing> routings, int rounds) {
        List<Double> together = new ArrayList<>();
        List<Double> alone = new ArrayList<>();
        // The first round warms up and does not count. The two ways take turns.
        for (int round = 0; round <= rounds; round++) {
            double batchMillis = decodeMillis(routings);
            double oneByOneMillis = 0;
            for (Routing routing : routings) {
                oneByOneMillis += decodeMillis(List.of(routing));
            }
            if (round > 0) {
                together.add(batchMillis);
                alone.add(oneByOneMillis);
            }
        }
        double batch = RandomDecoder.quantile(together, 0.5);
        double oneByOne = RandomDecoder.quantile(alone, 0.5);
        System.out.printf(
                Locale.ROOT,
                "{\"benchmark\": \"batch\", \"case\": \"%s\", \"texts\": %d, \"togetherTokensPerSecond\": %.1f, "
                        + "\"oneByOneTokensPerSecond\": %.1f, \"ratio\": %.2f}%n",
                name,
                TEXTS,
                1000.0 * TEXTS * TOKENS / batch,
                1000.0 * TEXTS * TOKENS / oneByOne,
                oneByOne / batch);
    }

    /** Milliseconds of the decode steps of some texts in one batch; their prompts were read before. */
    private double decodeMillis(List<Routing> routings) {
        List<Sequence> sequences = new ArrayList<>();
        try {
            List<Feed> feeds = new ArrayList<>();
            for (int i = 0; i < routings.size(); i++) {
                Sequence sequence = model.decoder().open(routings.get(i));
                sequences.add(sequence);
                List<StepOutput> read =
                        model.decoder().step(List.of(new Feed(sequence, model.prompt(PROMPT_TOKENS, i))));
                feeds.add(next(sequence, read.get(0)));
            }
            long start = System.nanoTime();
            for (int step = 0; step < TOKENS; step++) {
                List<StepOutput> outputs = model.decoder().step(feeds);
                for (int i = 0; i < feeds.size(); i++) {
                    feeds.set(i, next(sequences.get(i), outputs.get(i)));
                }
            }
            return (System.nanoTime() - start) / 1e6;
        } finally {
            sequences.forEach(Sequence::close);
        }
    }

    private static Feed next(Sequence sequence, StepOutput output) {
        return new Feed(sequence, new int[] {RandomDecoder.argmax(output.logits())});
    }

    private void gaps(Routing routing, int piece) {
        int[] prompt = model.prompt(LONG_PROMPT_TOKENS, 7);
        List<Double> gaps = new ArrayList<>();
        long began = System.nanoTime();
        try (Sequence text = model.decoder().open(routing);
                Sequence arriving = model.decoder().open(routing)) {
            Feed running = next(
                    text,
                    model.decoder()
                            .step(List.of(new Feed(text, model.prompt(PROMPT_TOKENS, 3))))
                            .get(0));
            began = System.nanoTime();
            for (int read = 0; read < prompt.length; read += piece) {
                int[] tokens = Arrays.copyOfRange(prompt, read, Math.min(prompt.length, read + piece));
                long start = System.nanoTime();
                List<StepOutput> outputs = model.decoder().step(List.of(running, new Feed(arriving, tokens)));
                gaps.add((System.nanoTime() - start) / 1e6);
                running = next(text, outputs.get(0));
            }
        }
        System.out.printf(
                Locale.ROOT,
                "{\"benchmark\": \"long prompt beside a text\", \"routing\": \"%s\", \"promptTokens\": %d, \"piece\": %d, "
                        + "\"medianGapMillis\": %.1f, \"longestGapMillis\": %.1f, \"promptMillis\": %.0f}%n",
                routing.getClass().getSimpleName(),
                LONG_PROMPT_TOKENS,
                piece,
                RandomDecoder.quantile(gaps, 0.5),
                RandomDecoder.quantile(gaps, 1),
                (System.nanoTime() - began) / 1e6);
    }
}
