package io.quiver.lora.evidence;

/**
 * The update of one module in double precision, ΔW = scaling · B · A.
 *
 * @param path for messages
 * @param scaling alpha/r, or alpha/√r with rsLoRA
 * @param a A, row-major // (rank, in)
 * @param b B, row-major // (out, rank)
 */
public record ModuleUpdate(String path, int rank, double scaling, double[] a, double[] b) {
    public ModuleUpdate {
        if (rank < 1 || a.length < rank || b.length < rank || a.length % rank != 0 || b.length % rank != 0) {
            throw new IllegalArgumentException(
                    path + ": " + a.length + " and " + b.length + " elements are no factors of rank " + rank);
        }
        check(path, "A", a);
        check(path, "B", b);
        if (!Double.isFinite(scaling)) {
            throw new IllegalArgumentException(path + ": the scaling is " + scaling);
        }
    }

    private static void check(String path, String factor, double[] values) { // (elements)
        for (double value : values) {
            if (!Double.isFinite(value)) {
                throw new IllegalArgumentException(path + ": " + factor + " has an element that is not finite");
            }
        }
    }

    /** Features that it reads. */
    public int in() {
        return a.length / rank;
    }

    /** Features that it writes. */
    public int out() {
        return b.length / rank;
    }

    /** K with ‖K·v‖ = ‖ΔW·v‖ for every v: scaling · R · A, where B = Q·R. */
    double[] core() { // (min(out, rank), in)
        double[] r = TriangularFactor.of(b, out(), rank);
        for (int i = 0; i < r.length; i++) {
            r[i] *= scaling;
        }
        return DenseProducts.times(r, a, r.length / rank, rank, in());
    }
}
