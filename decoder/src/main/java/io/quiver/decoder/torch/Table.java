package io.quiver.decoder.torch;

import io.quiver.decoder.Routing;
import io.quiver.decoder.Tracing;
import java.util.List;

/**
 * One library prepared for routing: what the program holds under a number for these experts in this order, with a gate or with
 * constant coefficients. Shared by all sequences with that library.
 */
final class Table {
    private final long id;
    private final Key key;
    private final boolean[] traced; // (modules)
    private int sequences;

    /** What makes two libraries the same: the experts, their order, and constant coefficients (empty with a gate). */
    record Key(List<ResidentExpert> experts, List<Double> coefficients) {
        Key {
            experts = List.copyOf(experts);
            coefficients = List.copyOf(coefficients);
        }
    }

    /** @param traced whether some expert can be chosen there // (modules) */
    Table(long id, Key key, boolean[] traced) {
        this.id = id;
        this.key = key;
        this.traced = traced;
    }

    long id() {
        return id;
    }

    Key key() {
        return key;
    }

    /** Whether some expert can be chosen at this module, counted over all points. */
    boolean traced(int module) {
        return traced[module];
    }

    int sequences() {
        return sequences;
    }

    void opened() {
        sequences++;
    }

    void closed() {
        sequences--;
    }

    /** How one sequence is routed with a table, in the numbers that the program's step takes. */
    record Use(Table table, int topK, double temperature, boolean factors, Tracing tracing) {
        static Use of(Table table, Routing routing) {
            if (routing instanceof Routing.Arrow arrow) {
                return new Use(
                        table,
                        arrow.topK(),
                        arrow.temperature(),
                        arrow.combine() == io.quiver.decoder.Combine.FACTORS,
                        arrow.tracing());
            }
            return new Use(table, 0, 1, false, Tracing.NONE);
        }
    }
}
