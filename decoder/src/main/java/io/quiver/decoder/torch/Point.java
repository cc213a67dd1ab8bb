package io.quiver.decoder.torch;

import io.quiver.decoder.ModelConfig;
import io.quiver.decoder.ModelNames;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/**
 * The linear modules of one layer that read the same input, and so share one projection onto prototypes and one pool.
 *
 * @param modules paths, in the order of their outputs
 * @param in features that they read
 * @param outs features that each writes // (modules)
 */
record Point(List<String> modules, int in, List<Integer> outs) {
    /** Points of one layer: what attention reads, its output, what the MLP reads, its output. */
    static final int PER_LAYER = 4;

    Point {
        modules = List.copyOf(modules);
        outs = List.copyOf(outs);
        if (modules.size() != outs.size()) {
            throw new IllegalArgumentException(modules.size() + " modules cannot have " + outs.size() + " outputs");
        }
    }

    /** All points of a model, layer by layer. */
    static List<Point> of(ModelConfig config) {
        ModelNames names = config.names();
        int hidden = config.hidden();
        int attention = config.heads() * config.headDim();
        int shared = config.kvHeads() * config.headDim();
        int inner = config.intermediate();
        List<Integer> input = List.of(attention, shared, shared);
        List<Integer> mlp = config.architecture().gated() ? List.of(inner, inner) : List.of(inner);
        List<Point> points = new ArrayList<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            String prefix = names.layer(layer);
            points.add(of(prefix, names.attentionInput(), hidden, input));
            points.add(of(prefix, List.of(names.attentionOutput()), attention, List.of(hidden)));
            points.add(of(prefix, names.mlpInput(), hidden, mlp));
            points.add(of(prefix, List.of(names.mlpOutput()), inner, List.of(hidden)));
        }
        return points;
    }

    /** @param outs what the modules write; a single module that is all of them writes all of it, in this order */
    private static Point of(String prefix, List<String> modules, int in, List<Integer> outs) {
        List<String> paths = modules.stream().map(module -> prefix + module).toList();
        if (paths.size() == 1) {
            return new Point(
                    paths, in, List.of(outs.stream().mapToInt(Integer::intValue).sum()));
        }
        return new Point(paths, in, outs);
    }

    /** Width of the pieces into which all outputs can be cut, so that modules of different width share one pool of B. */
    int pieceWidth() {
        return outs.stream()
                .map(BigInteger::valueOf)
                .reduce(BigInteger::gcd)
                .orElseThrow()
                .intValueExact();
    }

    /** The module of each piece. */
    int[] pieces() { // (pieces)
        List<Integer> pieces = new ArrayList<>();
        for (int module = 0; module < outs.size(); module++) {
            for (int i = 0; i < outs.get(module) / pieceWidth(); i++) {
                pieces.add(module);
            }
        }
        return pieces.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Bytes of one slot: A and B of every module at the given rank, and prototypes in float32. */
    long slotBytes(int rank, int elementBytes) {
        long pieces = pieces().length;
        return (long) rank * elementBytes * ((long) modules.size() * in + pieces * pieceWidth())
                + (long) modules.size() * in * Float.BYTES;
    }
}
