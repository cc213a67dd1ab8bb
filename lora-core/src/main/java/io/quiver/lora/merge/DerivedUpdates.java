package io.quiver.lora.merge;

import io.quiver.lora.peft.LoraModule;
import io.quiver.lora.peft.LoraUpdates;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Updates that were computed and lie in memory. Filled by who computes it, then read only. */
final class DerivedUpdates implements LoraUpdates {
    private final List<LoraModule> modules = new ArrayList<>();
    private final Map<String, float[]> a = new LinkedHashMap<>(); // by path, (rank, in) each
    private final Map<String, float[]> b = new LinkedHashMap<>(); // by path, (out, rank) each

    /**
     * Adds a module.
     *
     * @param like a module of the same path, for its inputs and outputs
     * @param factorA row-major // (rank, in)
     * @param factorB row-major // (out, rank)
     */
    void add(LoraModule like, int rank, double scaling, float[] factorA, float[] factorB) {
        if (factorA.length != rank * like.in() || factorB.length != like.out() * rank) {
            throw new IllegalArgumentException("the factors of " + like.path() + " are not of rank " + rank);
        }
        modules.add(new LoraModule(like.path(), like.in(), like.out(), rank, scaling, like.aTensor(), like.bTensor()));
        a.put(like.path(), factorA);
        b.put(like.path(), factorB);
    }

    @Override
    public List<LoraModule> modules() {
        return List.copyOf(modules);
    }

    @Override
    public float[] a(LoraModule module) {
        return known(a, module);
    }

    @Override
    public float[] b(LoraModule module) {
        return known(b, module);
    }

    private static float[] known(Map<String, float[]> factors, LoraModule module) {
        float[] factor = factors.get(module.path());
        if (factor == null) {
            throw new IllegalArgumentException("nothing was derived for module " + module.path());
        }
        return factor;
    }
}
