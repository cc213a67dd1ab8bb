package io.quiver.decoder.torch;

import io.quiver.lora.arrow.MixExperts.Update;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraModule;
import java.io.IOException;
import java.util.Map;

/** What gates of the llama fixture's first layer work with, for plain loops beside the decoder. */
final class FirstLayer {
    private FirstLayer() {}

    /** What the first layer's q, k and v read: the embedding's norm. // (tokens, in) */
    static double[][] inputs(int[] ids, double normEps) {
        float[][] embedding = Fixtures.rows("models/llama/model.safetensors", "model.embed_tokens.weight");
        float[][] weight = Fixtures.rows("models/llama/model.safetensors", "model.layers.0.input_layernorm.weight");
        double[][] inputs = new double[ids.length][];
        for (int t = 0; t < ids.length; t++) {
            float[] x = embedding[ids[t]];
            double mean = 0;
            for (float component : x) {
                mean += (double) component * component / x.length;
            }
            inputs[t] = new double[x.length];
            for (int i = 0; i < x.length; i++) {
                inputs[t][i] = x[i] / Math.sqrt(mean + normEps) * weight[i][0];
            }
        }
        return inputs;
    }

    static double[] prototype(Map<String, ModulePrototype> prototypes, String module) {
        if (!prototypes.containsKey(module)) {
            return null;
        }
        float[] vector = prototypes.get(module).vector();
        double[] exact = new double[vector.length];
        for (int i = 0; i < vector.length; i++) {
            exact[i] = vector[i];
        }
        return exact;
    }

    static Update update(String name, String path) throws IOException {
        try (LoraAdapter adapter = LoraAdapter.open(Fixtures.path(name), AdapterLimits.DEFAULT)) {
            for (LoraModule module : adapter.modules()) {
                if (module.path().equals(path)) {
                    return new Update(
                            matrix(adapter.aExact(module), module.rank()),
                            matrix(adapter.bExact(module), module.out()),
                            module.scaling());
                }
            }
            return null;
        }
    }

    private static double[][] matrix(double[] values, int rows) {
        double[][] matrix = new double[rows][values.length / rows];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(values, row * matrix[row].length, matrix[row], 0, matrix[row].length);
        }
        return matrix;
    }
}
