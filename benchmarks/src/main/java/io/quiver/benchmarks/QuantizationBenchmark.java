package io.quiver.benchmarks;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.decoder.torch.TorchDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What few bits a weight cost in exactness on a real checkpoint: every precision against float32 on one text, in windows of 512 tokens. Prints a
 * JSON line for each: bytes of the weights, time to open, and over all tokens the mean difference of a logit, the mean divergence of the next
 * token's distribution, how often the likeliest token is the same, and the perplexity. Times of steps are {@code base_speed.py}'s.
 *
 * <p>Arguments: the model's folder, how many windows at most, and the files whose texts, one after another, are cut into windows.
 */
public final class QuantizationBenchmark {
    private static final int WINDOW = 512;
    private static final int THREADS = 2;

    private QuantizationBenchmark() {}

    public static void main(String[] arguments) throws IOException {
        Path model = Path.of(arguments[0]);
        StringBuilder text = new StringBuilder();
        for (String file : Arrays.asList(arguments).subList(2, arguments.length)) {
            text.append(Files.readString(Path.of(file)));
        }
        List<int[]> windows = windows(model, text.toString());
        compare(model, windows.subList(0, Math.min(windows.size(), Integer.parseInt(arguments[1]))));
    }

    /** The text in pieces of 512 tokens; what is left over is not used. */
    private static List<int[]> windows(Path model, String text) {
        try (Tokenizer tokenizer = Tokenizer.open(model)) {
            int[] ids = tokenizer.encode(text, true);
            List<int[]> windows = new ArrayList<>();
            for (int from = 0; from + WINDOW <= ids.length; from += WINDOW) {
                windows.add(Arrays.copyOfRange(ids, from, from + WINDOW));
            }
            return windows;
        }
    }

    /** A precision's decoder, and how far it has been from float32. */
    private record Contender(Precision precision, TorchDecoder decoder, long openMillis, Distance distance) {
        static Contender open(Path model, Precision precision) throws IOException {
            long start = System.nanoTime();
            TorchDecoder decoder = QuantizationBenchmark.open(model, precision);
            return new Contender(precision, decoder, (System.nanoTime() - start) / 1_000_000, new Distance());
        }
    }

    private static void compare(Path model, List<int[]> windows) throws IOException {
        List<Contender> contenders = new ArrayList<>();
        try (TorchDecoder exact = open(model, Precision.FP32)) {
            for (Precision precision : Precision.values()) {
                contenders.add(Contender.open(model, precision));
            }
            for (int[] window : windows) {
                float[][] wanted = logits(exact, window);
                for (Contender contender : contenders) {
                    float[][] found = logits(contender.decoder(), window);
                    for (int t = 0; t < window.length; t++) {
                        contender.distance().add(wanted[t], found[t], t + 1 < window.length ? window[t + 1] : -1);
                    }
                }
            }
            for (Contender contender : contenders) {
                long weightBytes = contender.decoder().weightBytes();
                System.out.println(
                        contender.distance().json(contender.precision(), weightBytes, contender.openMillis()));
            }
        } finally {
            contenders.forEach(contender -> contender.decoder().close());
        }
    }

    private static TorchDecoder open(Path model, Precision precision) throws IOException {
        return TorchDecoder.open(model, DecoderSettings.cpu(precision, THREADS));
    }

    /** Logits after each token. // (tokens, vocabulary) */
    private static float[][] logits(Decoder decoder, int[] window) {
        try (Sequence sequence = decoder.open(new Routing.Base())) {
            return decoder.step(List.of(new Feed(sequence, window, true)))
                    .get(0)
                    .logitsByToken();
        }
    }

    /** How far logits are from those that they should be, over many tokens. */
    private static final class Distance {
        private double differences;
        private double divergence;
        private double surprise;
        private long numbers;
        private long tokens;
        private long predicted;
        private long agreed;

        /** @param next the token that follows, or -1 // wanted and found (vocabulary) */
        void add(float[] wanted, float[] found, int next) {
            double logWanted = logSum(wanted);
            double logFound = logSum(found);
            int best = 0;
            int bestFound = 0;
            for (int i = 0; i < wanted.length; i++) {
                differences += Math.abs(wanted[i] - found[i]);
                double log = wanted[i] - logWanted;
                divergence += Math.exp(log) * (log - (found[i] - logFound));
                best = wanted[i] > wanted[best] ? i : best;
                bestFound = found[i] > found[bestFound] ? i : bestFound;
            }
            numbers += wanted.length;
            tokens++;
            agreed += best == bestFound ? 1 : 0;
            if (next >= 0) {
                surprise += logFound - found[next];
                predicted++;
            }
        }

        private static double logSum(float[] logits) {
            double most = Double.NEGATIVE_INFINITY;
            for (float logit : logits) {
                most = Math.max(most, logit);
            }
            double sum = 0;
            for (float logit : logits) {
                sum += Math.exp(logit - most);
            }
            return most + Math.log(sum);
        }

        String json(Precision precision, long weightBytes, long openMillis) {
            return String.format(
                    Locale.ROOT,
                    "{\"benchmark\": \"quantization\", \"precision\": \"%s\", \"weightBytes\": %d, \"openMillis\": %d, \"tokens\": %d, "
                            + "\"meanLogitDifference\": %.4f, \"divergence\": %.6f, \"sameToken\": %.4f, \"perplexity\": %.3f}",
                    precision,
                    weightBytes,
                    openMillis,
                    tokens,
                    differences / numbers,
                    divergence / tokens,
                    (double) agreed / tokens,
                    Math.exp(surprise / predicted));
        }
    }
}
