package io.quiver.decoder.torch;

import io.quiver.decoder.Gate;
import io.quiver.decoder.Scoring;
import io.quiver.lora.gate.InputNorm;
import java.util.List;

/** Gives a table in the program what a gate other than plain Arrow scores with. */
final class GateTables {
    private static final int ARROW = 1;
    private static final int SPECTR = 2;
    private static final int LAG = 3;
    private static final int PHATGOOSE = 4;

    private final TensorProgram program;
    private final List<Point> points;

    GateTables(TensorProgram program, List<Point> points) {
        this.program = program;
        this.points = points;
    }

    /** Completes a table that {@code make_table} has just made. */
    void write(long table, Table.Key key, Scoring scoring) {
        Gate gate = scoring.gate();
        int candidates = gate instanceof Gate.Lag lag ? lag.candidates() : 0;
        program.run(
                "set_gate",
                table,
                kind(gate),
                norm(scoring.inputNorm()),
                candidates,
                scoring.minScore().orElse(-Float.MAX_VALUE));
        if (gate instanceof Gate.Phatgoose) {
            writeVectors(table, key);
        }
    }

    private static int kind(Gate gate) {
        if (gate instanceof Gate.Arrow) {
            return ARROW;
        }
        if (gate instanceof Gate.Spectr) {
            return SPECTR;
        }
        if (gate instanceof Gate.Lag) {
            return LAG;
        }
        if (gate instanceof Gate.Phatgoose) {
            return PHATGOOSE;
        }
        throw new IllegalStateException("unknown gate " + gate);
    }

    private static int norm(InputNorm norm) {
        return switch (norm) {
            case ID -> 0;
            case UNIT -> 1;
            case LAYER_NORM -> 2;
        };
    }

    /** The experts' gate vectors take the place of the prototypes. */
    private void writeVectors(long table, Table.Key key) {
        int n = key.experts().size();
        int firstModule = 0;
        for (int q = 0; q < points.size(); q++) {
            Point point = points.get(q);
            int columns = point.modules().size() * n;
            float[] directions = new float[point.in() * columns]; // (in, modules, experts)
            boolean any = false;
            for (int j = 0; j < point.modules().size(); j++) {
                for (int e = 0; e < n; e++) {
                    if (key.choosable(e, firstModule + j)) {
                        any = true;
                        float[] direction = key.experts().get(e).gateDirection(firstModule + j);
                        for (int i = 0; i < point.in(); i++) {
                            directions[i * columns + j * n + e] = direction[i];
                        }
                    }
                }
            }
            if (any) {
                program.run("set_directions", table, q, new TensorProgram.Floats(directions, point.in(), columns));
            }
            firstModule += point.modules().size();
        }
    }
}
