package io.quiver.benchmarks;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.lora.arrow.ModulePrototype;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What resident experts cost, in the shape of SmolLM2-135M with random weights: the memory of 64 experts of rank 16 against the
 * bytes of their tensors, how long a library of all of them takes to be assembled for a request, and the memory over many cycles
 * of loading one expert and evicting another. Prints JSON lines.
 *
 * <p>Arguments: {@code [bf16|fp32] [cycles]}. Run with a heap of fixed size that is touched at the start
 * ({@code -Xms512m -Xmx512m -XX:+AlwaysPreTouch}), so that growth of the resident set is not the heap's.
 */
public final class ResidencyBenchmark {
    private static final int EXPERTS = 64;
    /** So many more libraries of neighbours. */
    private static final int MORE = 20;

    private static final int TOP_K = 4;
    private static final int CYCLES_BETWEEN_LINES = 100;
    private static final int PAGE_BYTES = 4096;

    private ResidencyBenchmark() {}

    public static void main(String[] arguments) throws IOException {
        Precision precision = arguments.length > 0 && arguments[0].equals("fp32") ? Precision.FP32 : Precision.BF16;
        int cycles = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1000;
        try (RandomDecoder model = new RandomDecoder(precision, 2)) {
            Map<String, ModulePrototype> prototypes = model.prototypes();
            // What the first load of all takes once does not belong to the experts.
            model.decoder().evict(model.load(prototypes));
            long before = residentBytes();
            Deque<Expert> experts = new ArrayDeque<>();
            for (int i = 0; i < EXPERTS; i++) {
                experts.add(model.load(prototypes));
            }
            long tensors = experts.stream().mapToLong(Expert::residentBytes).sum();
            long grown = residentBytes() - before;
            System.out.printf(
                    Locale.ROOT,
                    "{\"benchmark\": \"expert memory\", \"experts\": %d, \"tensorBytes\": %d, \"grownBytes\": %d, "
                            + "\"ratio\": %.3f}%n",
                    EXPERTS,
                    tensors,
                    grown,
                    (double) grown / tensors);
            for (int i = 0; i < MORE; i++) {
                experts.add(model.load(prototypes));
            }
            assemble(model, List.copyOf(experts));
            for (int i = 0; i < MORE; i++) {
                model.decoder().evict(experts.removeLast());
            }
            cycle(model, experts, prototypes, cycles);
        }
    }

    /** Neighbours in the pools, in their order, and then the same in another order: each a library not seen before. */
    private static void assemble(RandomDecoder model, List<Expert> experts) {
        List<Double> neighbours = new ArrayList<>();
        List<Double> scattered = new ArrayList<>();
        List<Double> again = new ArrayList<>();
        for (int i = 0; i + EXPERTS <= experts.size(); i++) {
            List<Expert> library = new ArrayList<>(experts.subList(i, i + EXPERTS));
            neighbours.add(openMillis(model, arrow(library)));
            again.add(openMillis(model, arrow(library)));
            Collections.reverse(library);
            scattered.add(openMillis(model, arrow(library)));
        }
        System.out.printf(
                Locale.ROOT,
                "{\"benchmark\": \"assemble a library\", \"experts\": %d, \"neighboursMillis\": %.2f, "
                        + "\"scatteredMillis\": %.2f, \"againMillis\": %.3f}%n",
                EXPERTS,
                RandomDecoder.quantile(neighbours, 0.5),
                RandomDecoder.quantile(scattered, 0.5),
                RandomDecoder.quantile(again, 0.5));
    }

    private static Routing arrow(List<Expert> library) {
        return new Routing.Arrow(library, TOP_K, 1, Combine.OUTPUTS, false);
    }

    private static double openMillis(RandomDecoder model, Routing routing) {
        long start = System.nanoTime();
        try (Sequence sequence = model.decoder().open(routing)) {
            double millis = (System.nanoTime() - start) / 1e6;
            if (sequence.length() != 0) {
                throw new IllegalStateException("a new sequence has no tokens");
            }
            return millis;
        }
    }

    private static void cycle(
            RandomDecoder model, Deque<Expert> experts, Map<String, ModulePrototype> prototypes, int cycles)
            throws IOException {
        for (int i = 0; i <= cycles; i++) {
            if (i % CYCLES_BETWEEN_LINES == 0) {
                System.out.printf(
                        Locale.ROOT,
                        "{\"benchmark\": \"load and evict\", \"cycles\": %d, \"residentSetBytes\": %d}%n",
                        i,
                        residentBytes());
            }
            model.decoder().evict(experts.remove());
            experts.add(model.load(prototypes));
        }
    }

    /** The resident set of this process; Linux only. */
    private static long residentBytes() throws IOException {
        String[] pages = Files.readString(Path.of("/proc/self/statm")).split(" ");
        return Long.parseLong(pages[1]) * PAGE_BYTES;
    }
}
