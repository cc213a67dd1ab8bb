package io.quiver.decoder.torch;

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

    private final TensorProgram program;
    private final List<Point> points;
    private final boolean kernels;
    private final Map<Table.Key, Table> tables = new LinkedHashMap<>();
    private final GateTables gates;
    private long nextId;

    /** @param kernels whether the program has the kernels' part */
    Tables(TensorProgram program, List<Point> points, boolean kernels) {
        this.program = program;
        this.points = points;
        this.kernels = kernels;
        gates = new GateTables(program, points);
    }

    /** The table of a library, for one more sequence. */
    Table open(Table.Key key) {
        Table table = tables.remove(key);
        if (table == null) {
            table = new Table(nextId++, key, traced(key));
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
        Iterator<Table> all = tables.values().iterator();
        while (idle > IDLE_MAX && all.hasNext()) {
            Table old = all.next();
            if (old.sequences() == 0) {
                all.remove();
                drop(old);
                idle--;
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

    /** Makes all tables anew: they look into pools that have moved. */
    void rewrite() {
        tables.values().forEach(this::write);
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
        List<ResidentExpert> experts = table.key().experts();
        int n = experts.size();
        int modules = points.stream().mapToInt(p -> p.modules().size()).sum();
        int[] slots = new int[points.size() * n]; // (points, n)
        int[] choosable = new int[modules * n]; // (modules, n)
        for (int e = 0; e < n; e++) {
            for (int q = 0; q < points.size(); q++) {
                slots[q * n + e] = experts.get(e).slot(q);
            }
            for (int m = 0; m < modules; m++) {
                choosable[m * n + e] = table.key().choosable(e, m) ? 1 : 0;
            }
        }
        double[] coefficients = table.key().coefficients().stream()
                .mapToDouble(Double::doubleValue)
                .toArray();
        program.run("make_table", table.id(), slots, choosable, coefficients);
        if (kernels) {
            program.run("make_places", table.id(), slots, choosable, coefficients);
        }
        table.key().scoring().ifPresent(scoring -> gates.write(table.id(), table.key(), scoring));
    }
}
