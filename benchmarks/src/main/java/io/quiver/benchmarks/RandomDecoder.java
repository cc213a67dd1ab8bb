package io.quiver.benchmarks;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.torch.TorchDecoder;
import io.quiver.lora.arrow.ModulePrototype;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/** A decoder on a random model of the shape of SmolLM2-135M, with random experts of rank 16; its files go when it is closed. */
final class RandomDecoder implements AutoCloseable {
    static final int RANK = 16;
    /** Adapters with weights of their own; the others repeat them, in slots and with prototypes of their own. */
    private static final int DISTINCT = 4;

    private final RandomModel model = RandomModel.SMOLLM2_135M;
    private final Random random = new Random(1);
    private final Path folder;
    private final Decoder decoder;
    private int loaded;

    RandomDecoder(Precision precision, int threads) throws IOException {
        folder = Files.createTempDirectory("quiver-benchmark");
        model.write(folder.resolve("model"), random);
        for (int i = 0; i < DISTINCT; i++) {
            model.writeAdapter(folder.resolve("adapter" + i), RANK, random);
        }
        decoder = TorchDecoder.open(folder.resolve("model"), DecoderSettings.cpu(precision, threads));
    }

    Decoder decoder() {
        return decoder;
    }

    /** Loads one more expert, with prototypes of its own. */
    Expert load() throws IOException {
        return load(model.prototypes(RANK, random));
    }

    /** Loads one more expert with given prototypes, which take longer to make than an expert to load. */
    Expert load(Map<String, ModulePrototype> prototypes) throws IOException {
        int number = loaded++;
        return decoder.load(
                "sha256:%064d".formatted(number), folder.resolve("adapter" + number % DISTINCT), prototypes);
    }

    Map<String, ModulePrototype> prototypes() {
        return model.prototypes(RANK, random);
    }

    List<Expert> load(int count) throws IOException {
        List<Expert> experts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            experts.add(load());
        }
        return experts;
    }

    int[] prompt(int tokens, long seed) {
        return new Random(seed).ints(tokens, 0, decoder.config().vocabulary()).toArray();
    }

    static int argmax(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    static double quantile(List<Double> values, double q) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted[(int) Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
    }

    @Override
    public void close() throws IOException {
        decoder.close();
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
