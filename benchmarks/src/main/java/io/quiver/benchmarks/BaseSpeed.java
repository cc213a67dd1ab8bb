package io.quiver.benchmarks;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.torch.TorchDecoder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Our side of {@code base_speed.py}: decodes with a base model alone, when told to. Reads tasks from standard input, one a line: how many
 * tokens to generate, then the ids of the prompt. Answers each with a JSON line: milliseconds of the prompt and of every step, and the
 * greedy tokens.
 *
 * <p>Arguments: the model's folder, {@code bf16}, {@code fp32}, {@code int8} or {@code int4}, threads.
 */
public final class BaseSpeed {
    private final Decoder decoder;

    private BaseSpeed(Decoder decoder) {
        this.decoder = decoder;
    }

    public static void main(String[] arguments) throws IOException {
        Precision precision = Precision.valueOf(arguments[1].toUpperCase(Locale.ROOT));
        int threads = Integer.parseInt(arguments[2]);
        try (Decoder decoder = TorchDecoder.open(Path.of(arguments[0]), DecoderSettings.cpu(precision, threads));
                BufferedReader tasks = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            BaseSpeed speed = new BaseSpeed(decoder);
            System.out.println("{\"ready\": \"this build\"}");
            for (String task = tasks.readLine(); task != null; task = tasks.readLine()) {
                int[] numbers = Arrays.stream(task.strip().split(" "))
                        .mapToInt(Integer::parseInt)
                        .toArray();
                System.out.println(speed.run(numbers[0], Arrays.copyOfRange(numbers, 1, numbers.length)));
            }
        }
    }

    /** Decodes greedily after a prompt; returns the JSON line. */
    private String run(int generate, int[] prompt) {
        try (Sequence sequence = decoder.open(new Routing.Base())) {
            long start = System.nanoTime();
            int token = next(sequence, prompt);
            double promptMillis = millisSince(start);
            List<String> stepMillis = new ArrayList<>();
            List<Integer> tokens = new ArrayList<>(List.of(token));
            for (int i = 0; i < generate; i++) {
                start = System.nanoTime();
                token = next(sequence, new int[] {token});
                stepMillis.add(String.format(Locale.ROOT, "%.3f", millisSince(start)));
                tokens.add(token);
            }
            return String.format(
                    Locale.ROOT,
                    "{\"promptMillis\": %.3f, \"stepMillis\": [%s], \"tokens\": %s}",
                    promptMillis,
                    String.join(", ", stepMillis),
                    tokens);
        }
    }

    private int next(Sequence sequence, int[] tokens) {
        float[] logits =
                decoder.step(List.of(new Decoder.Feed(sequence, tokens))).get(0).logits();
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    private static double millisSince(long startNanos) {
        return (System.nanoTime() - startNanos) / 1e6;
    }
}
