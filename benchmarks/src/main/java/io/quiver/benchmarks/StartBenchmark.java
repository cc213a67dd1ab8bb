package io.quiver.benchmarks;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.WeightCache;
import io.quiver.decoder.torch.TorchDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How long a base model takes to be there, and the memory that it takes then: opens it, decodes a few tokens, and prints one JSON line with
 * the time from the start of the process to the first token, the time of opening alone, the median step and the resident set, of which what
 * is mapped from files can be shared and given back. One process a start: run it twice with a cache folder for a cold and a warm start.
 *
 * <p>Arguments: the model's folder, {@code bf16} or {@code fp32}, threads, and a folder to keep weights in or none.
 */
public final class StartBenchmark {
    private static final int TOKENS = 64;
    /** Stands for the one model that a folder of weights is used with here. */
    private static final String DIGEST = "sha256:" + "0".repeat(64);

    private StartBenchmark() {}

    public static void main(String[] arguments) throws IOException {
        Path model = Path.of(arguments[0]);
        DecoderSettings settings = DecoderSettings.cpu(
                Precision.valueOf(arguments[1].toUpperCase(Locale.ROOT)), Integer.parseInt(arguments[2]));
        long beganMillis = ProcessHandle.current()
                .info()
                .startInstant()
                .orElseThrow(() -> new IllegalStateException("the system does not say when this process began"))
                .toEpochMilli();
        // What every first use of the engine takes is not the model's.
        ai.djl.engine.Engine.getEngine("PyTorch");
        long start = System.nanoTime();
        try (Decoder decoder = arguments.length > 3
                ? TorchDecoder.open(model, settings, new WeightCache(Path.of(arguments[3]), DIGEST))
                : TorchDecoder.open(model, settings)) {
            double openMillis = (System.nanoTime() - start) / 1e6;
            List<Double> stepMillis = new ArrayList<>();
            long firstMillis = 0;
            try (Sequence sequence = decoder.open(new Routing.Base())) {
                int token = 1;
                for (int i = 0; i < TOKENS; i++) {
                    start = System.nanoTime();
                    token = RandomDecoder.argmax(decoder.step(List.of(new Decoder.Feed(sequence, new int[] {token})))
                            .get(0)
                            .logits());
                    stepMillis.add((System.nanoTime() - start) / 1e6);
                    if (i == 0) {
                        firstMillis = System.currentTimeMillis() - beganMillis;
                    }
                }
            }
            System.out.printf(
                    Locale.ROOT,
                    "{\"benchmark\": \"start\", \"openMillis\": %.0f, \"firstTokenMillis\": %d, \"stepMillis\": %.2f, "
                            + "\"ownMegabytes\": %d, \"mappedMegabytes\": %d, \"peakMegabytes\": %d}%n",
                    openMillis,
                    firstMillis,
                    RandomDecoder.quantile(stepMillis, 0.5),
                    megabytes("RssAnon:"),
                    megabytes("RssFile:"),
                    megabytes("VmHWM:"));
        }
    }

    /** A line of the process's status; Linux only. */
    private static long megabytes(String name) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith(name)) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1000;
            }
        }
        throw new IllegalStateException("the system does not say " + name);
    }
}
