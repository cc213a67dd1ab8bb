package io.quiver.lora.routability;

import io.quiver.lora.routability.ExpertRoutability.Generic;
import io.quiver.lora.routability.ExpertRoutability.Others;
import io.quiver.lora.routability.ExpertRoutability.Own;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Judges the experts of a library from what they make of example prompts, and of generic requests where there are none. For one
 * library, used by one thread.
 *
 * <p>With examples the verdict is counted: who is chosen for whose. Without, only two things can be seen. Experts whose stand-outs
 * rise and fall together on generic requests will do so on others. And who stands out the most on far more of them than its share,
 * and makes up half of what passes the threshold, leans on everything. Nothing stored says what an expert should fire on.
 */
public final class JudgeRoutability {
    /** From this part of an expert's examples on that go to another, the two are confused. */
    static final double CONFUSED = 0.25;

    /** From this correlation of stand-outs on, experts of which one has no examples are confused. */
    static final double ALIKE = 0.95;

    /** From this part of its own examples on, an expert is chosen often enough. */
    static final double OFTEN = 0.5;

    /** From this many times the fair share on, an expert stands out on too many generic requests. */
    static final double SHARES = 3;

    private final double threshold;
    private final List<double[]> outside;
    private final List<List<ExampleReading>> examples;
    private final int experts;
    private final int[][] chosen;
    private final double[][] correlations;

    /**
     * What is known of a library.
     *
     * @param threshold of the library
     * @param outside each expert's stand-outs on the same generic requests // (experts) of (requests)
     * @param examples what the library makes of each expert's own examples; empty for those without // (experts) of (examples)
     * @throws IllegalArgumentException if they do not fit together
     */
    public JudgeRoutability(double threshold, List<double[]> outside, List<List<ExampleReading>> examples) {
        this.threshold = threshold;
        this.outside = List.copyOf(outside);
        this.examples = List.copyOf(examples);
        this.experts = outside.size();
        boolean fits = experts > 0 && examples.size() == experts;
        for (double[] one : outside) {
            fits &= one.length == outside.get(0).length && one.length > 0;
        }
        fits &= examples.stream().flatMap(List::stream).allMatch(reading -> reading.scores().length == experts);
        if (!fits) {
            throw new IllegalArgumentException("the stand-outs and the examples are not of the same experts");
        }
        this.chosen = chosen();
        this.correlations = correlations();
    }

    private int[][] chosen() { // (experts, experts + 1)
        int[][] counts = new int[experts][experts + 1];
        for (int e = 0; e < experts; e++) {
            for (ExampleReading reading : examples.get(e)) {
                counts[e][reading.chosen(threshold)]++;
            }
        }
        return counts;
    }

    private double[][] correlations() { // (experts, experts)
        double[][] all = new double[experts][experts];
        for (int e = 0; e < experts; e++) {
            all[e][e] = 1;
            for (int other = 0; other < e; other++) {
                all[e][other] = correlation(outside.get(e), outside.get(other));
                all[other][e] = all[e][other];
            }
        }
        return all;
    }

    /** Pearson's; 0 if one of the two never changes. */
    static double correlation(double[] a, double[] b) { // (n), (n)
        double meanA = Arrays.stream(a).average().orElseThrow();
        double meanB = Arrays.stream(b).average().orElseThrow();
        double product = 0;
        double squareA = 0;
        double squareB = 0;
        for (int i = 0; i < a.length; i++) {
            product += (a[i] - meanA) * (b[i] - meanB);
            squareA += (a[i] - meanA) * (a[i] - meanA);
            squareB += (b[i] - meanB) * (b[i] - meanB);
        }
        double scale = Math.sqrt(squareA) * Math.sqrt(squareB);
        return scale > 0 ? product / scale : 0;
    }

    /** Judges every expert. */
    public LibraryRoutability judge() {
        List<ExpertRoutability> judged =
                IntStream.range(0, experts).mapToObj(this::judge).toList();
        return new LibraryRoutability(threshold, outside.get(0).length, judged, chosen, correlations);
    }

    private ExpertRoutability judge(int expert) {
        Own own = own(expert);
        Generic generic = generic(expert);
        List<Integer> confused = confusedWith(expert);
        Verdict verdict = verdict(expert, own, generic, !confused.isEmpty());
        return new ExpertRoutability(verdict, confused, own, others(expert), generic);
    }

    private Verdict verdict(int expert, Own own, Generic generic, boolean confused) {
        boolean known = own.examples() > 0;
        if (known && own.fires() == 0) {
            return Verdict.NEVER_FIRES;
        }
        if (takesFromMany(expert) || (!known && leansOnEverything(generic))) {
            return Verdict.FIRES_ON_EVERYTHING;
        }
        if (confused) {
            return Verdict.CONFUSABLE;
        }
        if (!known) {
            return Verdict.TOO_LITTLE_KNOWN;
        }
        return own.chosen() < OFTEN * own.examples() ? Verdict.RARELY_FIRES : Verdict.ROUTABLE;
    }

    /** Whether it takes much from half of the others, and from two at least. */
    private boolean takesFromMany(int expert) {
        long from = IntStream.range(0, experts)
                .filter(other -> other != expert && takesWhatFires(expert, other))
                .count();
        long possible = IntStream.range(0, experts)
                .filter(other -> other != expert && fires(other) > 0)
                .count();
        return from >= 2 && 2 * from >= possible;
    }

    /** Without examples the stored values must do: far more than its share of the generic requests, and most of what passes. */
    private boolean leansOnEverything(Generic generic) {
        double passing = IntStream.range(0, outside.get(0).length)
                        .filter(request -> outside.stream().anyMatch(one -> one[request] >= threshold))
                        .count()
                / (double) outside.get(0).length;
        return generic.largest() * experts >= SHARES && generic.passes() > 0 && 2 * generic.passes() >= passing;
    }

    private List<Integer> confusedWith(int expert) {
        List<Integer> confused = new ArrayList<>();
        for (int other = 0; other < experts; other++) {
            boolean alike = correlations[expert][other] >= ALIKE && !(hasExamples(expert) && hasExamples(other));
            if (other != expert && (alike || takes(other, expert) || takesWhatFires(expert, other))) {
                confused.add(other);
            }
        }
        return confused;
    }

    private boolean hasExamples(int expert) {
        return !examples.get(expert).isEmpty();
    }

    private boolean takes(int taker, int from) {
        return hasExamples(from)
                && chosen[from][taker] >= CONFUSED * examples.get(from).size();
    }

    /** As {@link #takes}; but what an expert never fires on is nobody's, and no fault of whoever is nearest to it. */
    private boolean takesWhatFires(int taker, int from) {
        return takes(taker, from) && fires(from) > 0;
    }

    /** On how many of its own examples an expert stands out enough. */
    private int fires(int expert) {
        return (int) examples.get(expert).stream()
                .filter(reading -> reading.standOuts()[expert] >= threshold)
                .count();
    }

    private Own own(int expert) {
        List<ExampleReading> read = examples.get(expert);
        return new Own(
                read.size(),
                fires(expert),
                chosen[expert][expert],
                chosen[expert][experts],
                median(read.stream()
                        .mapToDouble(reading -> reading.standOuts()[expert])
                        .toArray()),
                experts == 1
                        ? Double.NaN
                        : median(read.stream()
                                .mapToDouble(reading -> reading.margin(expert))
                                .toArray()));
    }

    private Others others(int expert) {
        int read = 0;
        int taken = 0;
        for (int other = 0; other < experts; other++) {
            if (other != expert) {
                read += examples.get(other).size();
                taken += chosen[other][expert];
            }
        }
        return new Others(read, taken);
    }

    private Generic generic(int expert) {
        double[] own = outside.get(expert);
        double largest = 0;
        int passes = 0;
        for (int request = 0; request < own.length; request++) {
            passes += own[request] >= threshold ? 1 : 0;
            largest += shareOf(request, own[request]);
        }
        int nearest = -1;
        for (int other = 0; other < experts; other++) {
            if (other != expert && (nearest < 0 || correlations[expert][other] > correlations[expert][nearest])) {
                nearest = other;
            }
        }
        return new Generic(
                largest / own.length,
                passes / (double) own.length,
                nearest,
                nearest < 0 ? Double.NaN : correlations[expert][nearest]);
    }

    /** 1 if a stand-out is the largest on a request, less if others have the same, 0 if one has more. */
    private double shareOf(int request, double standOut) {
        int equals = 0;
        for (double[] one : outside) {
            if (one[request] > standOut) {
                return 0;
            }
            equals += one[request] == standOut ? 1 : 0;
        }
        return 1.0 / equals;
    }

    /** Of two middles their mean; NaN of nothing. */
    private static double median(double[] values) { // (n)
        if (values.length == 0) {
            return Double.NaN;
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
