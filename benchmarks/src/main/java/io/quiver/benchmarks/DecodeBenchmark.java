package io.quiver.benchmarks;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Gate;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Scoring;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.Tracing;
import io.quiver.decoder.torch.TorchDecoder;
import io.quiver.lora.gate.InputNorm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Milliseconds a token of greedy decoding, batch 1, in the shape of SmolLM2-135M with random weights: the base model, and Arrow
 * over 8 and 64 experts of rank 16 on all seven linears, top-4. Cases take turns in short rounds, so that what the machine does
 * besides hits all of them; the median over all steps counts. Prints one JSON line a case.
 *
 * <p>Arguments: {@code [bf16|fp32] [threads] [rounds] [tokens of a prompt] [gates]}. On a machine that is shared set {@code OMP_WAIT_POLICY=passive}; on an idle
 * one leave it unset.
 */
public final class DecodeBenchmark {
    private static final int RANK = 16;
    private static final int TOP_K = 4;
    private static final int ROUND_TOKENS = 16;
    /** Adapters with weights of their own; the others repeat them, in slots and with prototypes of their own. */
    private static final int DISTINCT = 4;

    private final Decoder decoder;
    private final int promptTokens;
    private final List<Case> cases = new ArrayList<>();

    /** One way to route, and what it took: milliseconds of each step and of each prefill. */
    private record Case(String name, Routing routing, List<Double> stepMillis, List<Double> prefillMillis) {
        Case(String name, Routing routing) {
            this(name, routing, new ArrayList<>(), new ArrayList<>());
        }
    }

    private DecodeBenchmark(Decoder decoder, int promptTokens) {
        this.decoder = decoder;
        this.promptTokens = promptTokens;
    }

    public static void main(String[] arguments) throws IOException {
        Precision precision = arguments.length > 0 && arguments[0].equals("fp32") ? Precision.FP32 : Precision.BF16;
        int threads = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 2;
        int rounds = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 8;
        int promptTokens = arguments.length > 3 ? Integer.parseInt(arguments[3]) : 128;
        Path folder = Files.createTempDirectory("quiver-benchmark");
        try {
            Random random = new Random(1);
            RandomModel model = RandomModel.SMOLLM2_135M;
            model.write(folder.resolve("model"), random);
            for (int i = 0; i < DISTINCT; i++) {
                model.writeAdapter(folder.resolve("adapter" + i), RANK, random);
            }
            try (Decoder decoder =
                    TorchDecoder.open(folder.resolve("model"), DecoderSettings.cpu(precision, threads))) {
                DecodeBenchmark benchmark = new DecodeBenchmark(decoder, promptTokens);
                List<Expert> experts = benchmark.loadCases(model, folder, random);
                if (arguments.length > 4 && arguments[4].equals("gates")) {
                    benchmark.addGates(experts);
                }
                benchmark.measure(precision, threads, rounds);
            }
        } finally {
            delete(folder);
        }
    }

    private List<Expert> loadCases(RandomModel model, Path folder, Random random) throws IOException {
        List<Expert> experts = new ArrayList<>();
        long start = System.nanoTime();
        for (int i = 0; i < 64; i++) {
            experts.add(decoder.load(
                    "sha256:%064d".formatted(i),
                    folder.resolve("adapter" + i % DISTINCT),
                    model.prototypes(RANK, random)));
        }
        System.out.printf(
                Locale.ROOT,
                "{\"benchmark\": \"load\", \"experts\": 64, \"expertBytes\": %d, \"millisPerExpert\": %.1f}%n",
                experts.get(0).residentBytes(),
                (System.nanoTime() - start) / 64e6);
        cases.add(new Case("base", new Routing.Base()));
        cases.add(new Case("single", new Routing.Fixed(List.of(experts.get(0)), List.of(1.0))));
        cases.add(new Case("arrow-8", new Routing.Arrow(experts.subList(0, 8), TOP_K, 1, Combine.OUTPUTS, false)));
        cases.add(new Case("arrow-64", new Routing.Arrow(experts, TOP_K, 1, Combine.OUTPUTS, false)));
        return experts;
    }

    /** Adds the gates beside plain Arrow, and says how long each takes to prepare its library. */
    private void addGates(List<Expert> experts) {
        Map<String, Gate> gates = new LinkedHashMap<>();
        gates.put("arrow-unit", new Gate.Arrow());
        gates.put("spectr", new Gate.Spectr());
        gates.put("lag", new Gate.Lag(8));
        for (int n : new int[] {8, 64}) {
            gates.forEach((name, gate) -> {
                Scoring scoring = new Scoring(gate, InputNorm.UNIT, OptionalDouble.empty());
                Routing routing =
                        new Routing.Gated(experts.subList(0, n), scoring, TOP_K, 1, Combine.OUTPUTS, Tracing.NONE);
                long start = System.nanoTime();
                decoder.open(routing).close();
                System.out.printf(
                        Locale.ROOT,
                        "{\"benchmark\": \"open\", \"case\": \"%s-%d\", \"millis\": %.1f}%n",
                        name,
                        n,
                        (System.nanoTime() - start) / 1e6);
                cases.add(new Case(name + "-" + n, routing));
            });
        }
    }

    private void measure(Precision precision, int threads, int rounds) {
        int[] prompt = new Random(2)
                .ints(promptTokens, 0, decoder.config().vocabulary())
                .toArray();
        // The first round warms up and does not count.
        for (int round = 0; round <= rounds; round++) {
            for (Case each : cases) {
                List<Double> steps = new ArrayList<>();
                double prefillMillis = run(each.routing(), prompt, steps);
                if (round > 0) {
                    each.stepMillis().addAll(steps);
                    each.prefillMillis().add(prefillMillis);
                }
            }
        }
        double base = quantile(cases.get(0).stepMillis(), 0.5);
        for (Case each : cases) {
            double median = quantile(each.stepMillis(), 0.5);
            System.out.printf(
                    Locale.ROOT,
                    "{\"benchmark\": \"decode\", \"case\": \"%s\", \"precision\": \"%s\", \"threads\": %d, "
                            + "\"batch\": 1, \"medianMillis\": %.2f, \"p10Millis\": %.2f, \"p90Millis\": %.2f, "
                            + "\"ratioToBase\": %.2f, \"prefill%dMillis\": %.1f}%n",
                    each.name(),
                    precision,
                    threads,
                    median,
                    quantile(each.stepMillis(), 0.1),
                    quantile(each.stepMillis(), 0.9),
                    median / base,
                    promptTokens,
                    quantile(each.prefillMillis(), 0.5));
        }
    }

    /** Prefills and decodes greedily; adds milliseconds of each decode step, returns those of the prefill. */
    private double run(Routing routing, int[] prompt, List<Double> stepMillis) {
        try (Sequence sequence = decoder.open(routing)) {
            long start = System.nanoTime();
            float[] logits = decoder.step(List.of(new Decoder.Feed(sequence, prompt)))
                    .get(0)
                    .logits();
            double prefillMillis = (System.nanoTime() - start) / 1e6;
            for (int i = 0; i < ROUND_TOKENS; i++) {
                start = System.nanoTime();
                logits = decoder.step(List.of(new Decoder.Feed(sequence, new int[] {argmax(logits)})))
                        .get(0)
                        .logits();
                stepMillis.add((System.nanoTime() - start) / 1e6);
            }
            return prefillMillis;
        }
    }

    private static int argmax(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    private static double quantile(List<Double> values, double q) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(sorted);
        return sorted[(int) Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
