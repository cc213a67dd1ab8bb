package io.quiver.lora.merge;

import io.quiver.lora.peft.LoraModule;
import io.quiver.lora.peft.LoraUpdates;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Updates written down in a test. */
final class MemoryUpdates implements LoraUpdates {
    private final List<LoraModule> modules = new ArrayList<>();
    private final Map<String, float[][]> factors = new LinkedHashMap<>();

    MemoryUpdates with(String path, int rank, double scaling, float[] a, float[] b) {
        modules.add(new LoraModule(path, a.length / rank, b.length / rank, rank, scaling, path + ".A", path + ".B"));
        factors.put(path, new float[][] {a, b});
        return this;
    }

    MemoryUpdates withRandom(String path, int in, int out, int rank, double scaling, Random random) {
        float[] a = new float[rank * in];
        float[] b = new float[out * rank];
        for (float[] values : List.of(a, b)) {
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
            }
        }
        return with(path, rank, scaling, a, b);
    }

    @Override
    public List<LoraModule> modules() {
        return List.copyOf(modules);
    }

    @Override
    public float[] a(LoraModule module) {
        return factors.get(module.path())[0];
    }

    @Override
    public float[] b(LoraModule module) {
        return factors.get(module.path())[1];
    }

    /** scaling · B·A of a module, zero if it is not there. // (out * in) */
    static double[] product(LoraUpdates updates, String path, int in, int out) throws java.io.IOException {
        double[] product = new double[out * in];
        for (LoraModule module : updates.modules()) {
            if (module.path().equals(path)) {
                float[] a = updates.a(module);
                float[] b = updates.b(module);
                for (int o = 0; o < out; o++) {
                    for (int i = 0; i < in; i++) {
                        for (int r = 0; r < module.rank(); r++) {
                            product[o * in + i] += module.scaling() * b[o * module.rank() + r] * (double) a[r * in + i];
                        }
                    }
                }
            }
        }
        return product;
    }
}
