package io.quiver.decoder.torch;

import io.quiver.decoder.ModelConfig;
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
    /** Points of one layer of a Llama: q,k,v; o; gate,up; down. */
    static final int PER_LAYER = 4;

    Point {
        modules = List.copyOf(modules);
        outs = List.copyOf(outs);
    }

    /** All points of a model, layer by layer. */
    static List<Point> of(ModelConfig config) {
        int attention = config.heads() * config.headDim();
        int shared = config.kvHeads() * config.headDim();
        List<Point> points = new ArrayList<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            String prefix = "model.layers." + layer + ".";
            points.add(new Point(
                    List.of(prefix + "self_attn.q_proj", prefix + "self_attn.k_proj", prefix + "self_attn.v_proj"),
                    config.hidden(),
                    List.of(attention, shared, shared)));
            points.add(new Point(List.of(prefix + "self_attn.o_proj"), attention, List.of(config.hidden())));
            points.add(new Point(
                    List.of(prefix + "mlp.gate_proj", prefix + "mlp.up_proj"),
                    config.hidden(),
                    List.of(config.intermediate(), config.intermediate())));
            points.add(new Point(List.of(prefix + "mlp.down_proj"), config.intermediate(), List.of(config.hidden())));
        }
        return points;
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
