package io.quiver.decoder.torch;

import java.util.List;
import java.util.stream.IntStream;

/**
 * Where in the program's list of choices each module's are, for one library and top k. At a point with g linears where at most m
 * experts can be chosen for one of them, each linear has min(k, m) entries.
 */
final class ChosenExperts {
    private final int experts;
    private final int entries;
    private final int modules;
    private final boolean[]
            counts; // (entries, experts): whether that expert can be chosen for the module of that entry

    private ChosenExperts(int experts, int entries, int modules, boolean[] counts) {
        this.experts = experts;
        this.entries = entries;
        this.modules = modules;
        this.counts = counts;
    }

    static ChosenExperts of(List<Point> points, Table.Use use) {
        Table.Key key = use.table().key();
        int n = key.experts().size();
        int all = points.stream().mapToInt(point -> point.modules().size()).sum();
        boolean[] counts = new boolean[all * Math.min(use.topK(), n) * n];
        int entries = 0;
        int traced = 0;
        int firstModule = 0;
        for (Point point : points) {
            int most = 0;
            for (int j = 0; j < point.modules().size(); j++) {
                int module = firstModule + j;
                most = Math.max(most, (int) IntStream.range(0, n)
                        .filter(e -> key.choosable(e, module))
                        .count());
                traced += use.table().traced(module) ? 1 : 0;
            }
            for (int j = 0; most > 0 && j < point.modules().size(); j++) {
                for (int i = 0; i < Math.min(use.topK(), most); i++, entries++) {
                    for (int e = 0; e < n; e++) {
                        counts[entries * n + e] = key.choosable(e, firstModule + j);
                    }
                }
            }
            firstModule += point.modules().size();
        }
        return new ChosenExperts(n, entries, traced, counts);
    }

    /**
     * The mean coefficient of each expert over the modules where one can be chosen.
     *
     * @param chosen numbers of the experts // (feeds, entries)
     * @param coefficients of them // (feeds, entries)
     * @param feed which row
     * @return // (experts)
     */
    float[] shares(float[] chosen, float[] coefficients, int feed) {
        float[] shares = new float[experts];
        for (int i = 0; i < entries; i++) {
            int expert = (int) chosen[feed * entries + i];
            if (counts[i * experts + expert]) {
                shares[expert] += coefficients[feed * entries + i] / modules;
            }
        }
        return shares;
    }
}
