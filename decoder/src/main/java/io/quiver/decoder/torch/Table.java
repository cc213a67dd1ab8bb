package io.quiver.decoder.torch;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Gate;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Scoring;
import io.quiver.decoder.Tracing;
import java.util.List;
import java.util.Optional;

/**
 * One library prepared for routing: what the program holds under a number for these experts in this order, with a gate or with
 * constant coefficients. Shared by all sequences with that library.
 */
final class Table {
    private final long id;
    private final Key key;
    private final boolean[] traced; // (modules)
    private boolean whole;
    private int sequences;
    private long bytes;

    /**
     * What makes two libraries the same.
     *
     * @param experts in their order
     * @param coefficients constant ones; empty with a gate
     * @param scoring of a gate that is not plain Arrow
     */
    record Key(List<ResidentExpert> experts, List<Double> coefficients, Optional<Scoring> scoring) {
        Key {
            experts = List.copyOf(experts);
            coefficients = List.copyOf(coefficients);
        }

        /** Constant coefficients. */
        static Key fixed(List<ResidentExpert> experts, List<Double> coefficients) {
            return new Key(experts, coefficients, Optional.empty());
        }

        /** Plain Arrow. */
        static Key arrow(List<ResidentExpert> experts) {
            return new Key(experts, List.of(), Optional.empty());
        }

        /** Whether the gate can choose an expert at a module, counted over all points. */
        boolean choosable(int expert, int module) {
            boolean byVector = scoring.map(Scoring::gate)
                    .filter(Gate.Phatgoose.class::isInstance)
                    .isPresent();
            ResidentExpert one = experts.get(expert);
            return one.choosable(module) && (!byVector || one.hasGateVector(module));
        }
    }

    /**
     * @param traced whether some expert can be chosen there // (modules)
     * @param whole whether the program makes all tensors for it
     */
    Table(long id, Key key, boolean[] traced, boolean whole) {
        this.whole = whole;
        this.id = id;
        this.key = key;
        this.traced = traced;
    }

    /** Whether the program has the tensors for it that it needs where no kernel does the work. */
    boolean whole() {
        return whole;
    }

    void makeWhole() {
        whole = true;
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

    /** Bytes that the program holds for the table alone. */
    long bytes() {
        return bytes;
    }

    void hold(long ownBytes) {
        bytes = ownBytes;
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
                        table, arrow.topK(), arrow.temperature(), arrow.combine() == Combine.FACTORS, arrow.tracing());
            }
            if (routing instanceof Routing.Gated gated) {
                return new Use(
                        table, gated.topK(), gated.temperature(), gated.combine() == Combine.FACTORS, gated.tracing());
            }
            return new Use(table, 0, 1, false, Tracing.NONE);
        }
    }
}
