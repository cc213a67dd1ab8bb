package io.quiver.decoder.torch;

import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The libraries that are prepared in a program. Those without an open sequence are kept for a while, since requests with the
 * same library follow each other. Guarded by the decoder's lock.
 */
final class Tables {
    private static final int IDLE_MAX = 16;
    /** Bytes of their own that tables without an open sequence may hold: prototypes in another order than the pools'. */
    private static final long IDLE_BYTES_MAX = 64L << 20;

    private static final float NEVER = -1e30f;
    private static final int SPAN = 6;

    private final TensorProgram program;
    private final List<Point> points;
    private final boolean kernels;
    private final Map<Table.Key, Table> tables = new LinkedHashMap<>();
    private final ExpertPools pools;
    private final GateTables gates;
    private long nextId;

    /** @param kernels whether the program has the kernels' part */
    Tables(TensorProgram program, List<Point> points, ExpertPools pools, boolean kernels) {
        this.program = program;
        this.points = points;
        this.pools = pools;
        this.kernels = kernels;
        gates = new GateTables(program, points);
    }

    /**
     * The table of a library, for one more sequence.
     *
     * @param traced whether the sequence wants to know what every module decided
     */
    Table open(Table.Key key, boolean traced) {
        Table table = tables.remove(key);
        boolean whole = !kernels || traced || key.scoring().isPresent();
        if (table == null) {
            table = new Table(nextId++, key, traced(key), whole);
            write(table);
        } else if (whole && !table.whole()) {
            table.makeWhole();
            write(table);
        }
        // Behind all others: the first ones are those that were not used for longest.
        tables.put(key, table);
        table.opened();
        return table;
    }

    /** One sequence less uses the table. */
    void close(Table table) {
        table.closed();
        long idle = tables.values().stream().filter(t -> t.sequences() == 0).count();
        long bytes = tables.values().stream()
                .filter(t -> t.sequences() == 0)
                .mapToLong(Table::bytes)
                .sum();
        Iterator<Table> all = tables.values().iterator();
        while ((idle > IDLE_MAX || bytes > IDLE_BYTES_MAX) && all.hasNext()) {
            Table old = all.next();
            if (old.sequences() == 0) {
                all.remove();
                drop(old);
                idle--;
                bytes -= old.bytes();
            }
        }
    }

    /** Whether an open sequence uses the expert. */
    boolean uses(ResidentExpert expert) {
        return tables.values().stream()
                .anyMatch(t -> t.sequences() > 0 && t.key().experts().contains(expert));
    }

    /** Drops idle tables with an expert that goes. */
    void forget(ResidentExpert expert) {
        Iterator<Table> all = tables.values().iterator();
        while (all.hasNext()) {
            Table table = all.next();
            if (table.key().experts().contains(expert)) {
                all.remove();
                drop(table);
            }
        }
    }

    private void drop(Table table) {
        program.run("drop_table", table.id());
        if (table.key().scoring().isPresent()) {
            program.run("drop_gate", table.id());
        }
        if (kernels) {
            program.run("drop_places", table.id());
        }
    }

    /** Makes tables anew, since they look into pools that have moved; those that nobody uses go. */
    void rewrite() {
        Iterator<Table> all = tables.values().iterator();
        while (all.hasNext()) {
            Table table = all.next();
            if (table.sequences() == 0) {
                all.remove();
                drop(table);
            } else {
                write(table);
            }
        }
    }

    private boolean[] traced(Table.Key key) {
        int modules = points.stream().mapToInt(p -> p.modules().size()).sum();
        boolean[] traced = new boolean[modules];
        for (int module = 0; module < modules; module++) {
            int m = module;
            traced[module] = IntStream.range(0, key.experts().size()).anyMatch(e -> key.choosable(e, m));
        }
        return traced;
    }

    private void write(Table table) {
        Table.Key key = table.key();
        int n = key.experts().size();
        int modules = points.stream().mapToInt(p -> p.modules().size()).sum();
        int[] spans = new int[SPAN * points.size()]; // (points, 6)
        float[] slots = new float[points.size() * n]; // (points, n)
        float[] penalties = new float[modules * n]; // (modules, n)
        float[] used = new float[modules]; // (modules)
        long bytes = 0;
        int module = 0;
        for (int q = 0; q < points.size(); q++) {
            for (int e = 0; e < n; e++) {
                slots[q * n + e] = key.experts().get(e).slot(q);
            }
            Span span = span(key, q, module, penalties, used);
            int like = firstLike(q, module, slots, used, n);
            System.arraycopy(span.numbers(like), 0, spans, SPAN * q, SPAN);
            if (table.whole() && span.most() > 0 && !span.row()) {
                bytes += 4L * n * points.get(q).modules().size() * points.get(q).in();
            }
            module += points.get(q).modules().size();
        }
        table.hold(bytes);
        double[] coefficients =
                key.coefficients().stream().mapToDouble(Double::doubleValue).toArray();
        var places = new TensorProgram.Floats(slots, points.size(), n);
        var chances = new TensorProgram.Floats(penalties, modules, n);
        program.run(
                "make_table",
                table.id(),
                spans,
                places,
                chances,
                new TensorProgram.Floats(used, modules),
                coefficients,
                !table.whole());
        if (kernels) {
            program.run("make_places", table.id(), spans, places, chances, coefficients);
        }
        key.scoring().ifPresent(scoring -> gates.write(table.id(), key, scoring));
    }

    /**
     * What a library has at one point.
     *
     * @param most experts that can be chosen at one of its modules
     * @param penalized whether some cannot be chosen at some module
     * @param row whether the prototypes lie in the pool as the program wants them: one module, slots in the order of the experts
     */
    private record Span(int low, int high, int most, boolean penalized, boolean row) {
        int[] numbers(int like) {
            return new int[] {low, high, most, penalized ? 1 : 0, row ? 1 : 0, like};
        }
    }

    private Span span(Table.Key key, int q, int firstModule, float[] penalties, float[] used) {
        int n = key.experts().size();
        int low = 0;
        int high = 0;
        // The program wants prototypes module by module, and pools hold them expert by expert.
        boolean row = points.get(q).modules().size() == 1;
        for (int e = 0; e < n; e++) {
            int slot = key.experts().get(e).slot(q);
            if (slot != ResidentExpert.NOTHING) {
                low = low == 0 ? slot : Math.min(low, slot);
                high = Math.max(high, slot);
            }
            row = row && slot == key.experts().get(0).slot(q) + e && slot != ResidentExpert.NOTHING;
        }
        boolean gated = key.coefficients().isEmpty();
        int most = 0;
        boolean penalized = false;
        for (int j = 0; j < points.get(q).modules().size(); j++) {
            int m = firstModule + j;
            int able = 0;
            for (int e = 0; e < n; e++) {
                if (key.choosable(e, m)) {
                    able++;
                } else {
                    penalties[m * n + e] = NEVER;
                    penalized = true;
                }
            }
            most = Math.max(most, able);
            used[m] = able > 0 || !gated ? 1 : 0;
        }
        if (!gated) {
            most = high > 0 ? n : 0;
        }
        return new Span(low, high, most, penalized, row);
    }

    /** The first point whose tables of places are the same: of the same shape, with the same slots and modules in use. */
    private int firstLike(int q, int module, float[] slots, float[] used, int n) {
        int firstModule = 0;
        for (int p = 0; p < q; p++) {
            int g = points.get(p).modules().size();
            if (sameShape(p, q)
                    && Arrays.equals(slots, p * n, (p + 1) * n, slots, q * n, (q + 1) * n)
                    && Arrays.equals(used, firstModule, firstModule + g, used, module, module + g)) {
                return p;
            }
            firstModule += g;
        }
        return q;
    }

    private boolean sameShape(int p, int q) {
        return pools.rank(p) == pools.rank(q)
                && points.get(p).outs().equals(points.get(q).outs());
    }
}
