package io.quiver.lora.arrow;

import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraModule;
import io.quiver.lora.peft.LoraUpdates;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * Computes the Arrow prototypes of an adapter (Ostapenko et al. 2024): per module the top right singular vector of ΔW = s·B·A.
 * The scale s does not turn it and is left out. Exact in double precision and deterministic; modules are computed side by side
 * on the common pool.
 */
public final class ComputePrototypes {
    /** What this class computes, and its version: equal names mean equal bytes for equal input. */
    public static final String ALGORITHM = "arrow-v1";

    /**
     * One result per module, in the adapter's order.
     *
     * @throws IOException if the adapter's file cannot be read
     * @throws IllegalArgumentException if an element is not finite, naming the module
     */
    public List<PrototypeResult> compute(LoraAdapter adapter) throws IOException {
        try {
            return adapter.modules().parallelStream()
                    .map(module -> computeModule(adapter, module))
                    .toList();
        } catch (UncheckedIOException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    /**
     * One result per module of updates in single precision, in their order.
     *
     * @throws IOException if they cannot be read
     * @throws IllegalArgumentException if an element is not finite, naming the module
     */
    public List<PrototypeResult> compute(LoraUpdates updates) throws IOException {
        try {
            return updates.modules().parallelStream()
                    .map(module -> computeModule(updates, module))
                    .toList();
        } catch (UncheckedIOException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static PrototypeResult computeModule(LoraUpdates updates, LoraModule module) {
        try {
            return compute(module, exact(updates.a(module)), exact(updates.b(module)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static double[] exact(float[] values) { // (elements)
        double[] exact = new double[values.length];
        for (int i = 0; i < exact.length; i++) {
            exact[i] = values[i];
        }
        return exact;
    }

    private static PrototypeResult computeModule(LoraAdapter adapter, LoraModule module) {
        try {
            return compute(module, adapter.aExact(module), adapter.bExact(module));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The prototype of one module.
     *
     * @param a row-major // (rank, in)
     * @param b row-major // (out, rank)
     * @throws IllegalArgumentException if an element is not finite
     */
    public static PrototypeResult compute(LoraModule module, double[] a, double[] b) {
        LowRankSvd svd;
        try {
            svd = LowRankSvd.of(a, b, module.rank(), module.in(), module.out());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("module " + module.path() + ": " + e.getMessage(), e);
        }
        if (svd.right().length == 0 || svd.sigma()[0] == 0) {
            return new PrototypeResult.ZeroUpdate(module.path());
        }
        float[] vector = new float[module.in()];
        for (int i = 0; i < vector.length; i++) {
            vector[i] = (float) svd.right()[i];
        }
        return new PrototypeResult.Computed(
                new ModulePrototype(module.path(), module.rank(), module.scaling(), vector, svd.sigma()));
    }
}
