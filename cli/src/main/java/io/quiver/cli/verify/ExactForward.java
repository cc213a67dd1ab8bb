package io.quiver.cli.verify;

import io.quiver.decoder.Architecture;
import io.quiver.decoder.ModelConfig;
import io.quiver.decoder.huggingface.ConfigFile;
import io.quiver.lora.evidence.InputPlace;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The layers of a small model in double precision, written plainly after {@link Architecture}: exact inputs for what is computed
 * from them. Reads every weight into memory. Not thread-safe.
 */
final class ExactForward {
    private final ModelConfig config;
    private final Architecture architecture;
    private final Map<String, Path> files = new HashMap<>();
    private final Map<String, double[]> weights = new HashMap<>();

    ExactForward(Path modelFolder) throws IOException {
        config = ConfigFile.read(modelFolder);
        architecture = config.architecture();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(modelFolder, "*.safetensors")) {
            for (Path entry : entries) {
                try (SafetensorsFile file = SafetensorsFile.open(entry, SafetensorsLimits.BASE_MODEL)) {
                    file.header().tensors().forEach(tensor -> files.put(tensor.name(), entry));
                }
            }
        }
    }

    /** What the linear modules of every layer read when the base alone reads a text. */
    Map<ProbePoint, double[][]> inputs(int[] ids) { // (tokens) -> (points) of (tokens, in)
        Map<ProbePoint, double[][]> inputs = new TreeMap<>();
        double[] embedding = weight(config.names().embedding() + ".weight");
        double[][] x = new double[ids.length][config.hidden()];
        for (int t = 0; t < ids.length; t++) {
            for (int i = 0; i < config.hidden(); i++) {
                x[t][i] = embedding[ids[t] * config.hidden() + i] * architecture.embeddingScale();
            }
        }
        for (int layer = 0; layer < config.layers(); layer++) {
            layer(layer, x, inputs);
        }
        return inputs;
    }

    /** Adds to x what one layer gives. */
    private void layer(int layer, double[][] x, Map<ProbePoint, double[][]> inputs) { // (tokens, hidden)
        String prefix = config.names().layer(layer);
        double[][] attentionIn = norm(x, prefix + config.names().attentionNorm());
        inputs.put(new ProbePoint(layer, InputPlace.ATTENTION_IN), attentionIn);
        double[][] attentionOut = attention(layer, attentionIn);
        inputs.put(new ProbePoint(layer, InputPlace.ATTENTION_OUT), attentionOut);
        double[][] attended = linear(
                attentionOut,
                prefix + config.names().attentionOutput(),
                architecture.biases().output());
        if (architecture.outputNorms()) {
            attended = norm(attended, prefix + config.names().attentionOutputNorm());
        }
        if (!architecture.parallelBlock()) {
            add(x, attended);
        }
        double[][] mlpIn = architecture.parallelBlock()
                ? attentionIn
                : norm(x, prefix + config.names().mlpNorm());
        inputs.put(new ProbePoint(layer, InputPlace.MLP_IN), mlpIn);
        double[][] mlpMid = mlpMiddle(mlpIn, prefix);
        inputs.put(new ProbePoint(layer, InputPlace.MLP_MID), mlpMid);
        double[][] down = linear(
                mlpMid,
                prefix + config.names().mlpOutput(),
                architecture.biases().mlp());
        if (architecture.outputNorms()) {
            down = norm(down, prefix + config.names().mlpOutputNorm());
        }
        if (architecture.parallelBlock()) {
            add(x, attended);
        }
        add(x, down);
    }

    private static void add(double[][] x, double[][] y) { // (tokens, hidden) both
        for (int t = 0; t < x.length; t++) {
            for (int i = 0; i < x[t].length; i++) {
                x[t][i] += y[t][i];
            }
        }
    }

    private double[][] norm(double[][] x, String module) { // (tokens, n) -> (tokens, n)
        double[] weight = weight(module + ".weight");
        double[][] normed = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            normed[t] = x[t].clone();
            norm(normed[t], 0, weight);
            if (architecture.norm().centred()) {
                double[] bias = weight(module + ".bias");
                for (int i = 0; i < bias.length; i++) {
                    normed[t][i] += bias[i];
                }
            }
        }
        return normed;
    }

    /** Norms as many components as there are weights, in place. */
    private void norm(double[] x, int from, double[] weight) { // (n), (size)
        int size = weight.length;
        double mean = 0;
        for (int i = 0; architecture.norm().centred() && i < size; i++) {
            mean += x[from + i] / size;
        }
        double square = 0;
        for (int i = 0; i < size; i++) {
            square += (x[from + i] - mean) * (x[from + i] - mean) / size;
        }
        double factor = 1 / Math.sqrt(square + architecture.norm().eps());
        for (int i = 0; i < size; i++) {
            x[from + i] = (x[from + i] - mean) * factor * (architecture.norm().offset() + weight[i]);
        }
    }

    private double[][] linear(double[][] x, String module, boolean biased) { // (tokens, in) -> (tokens, out)
        double[] weight = weight(module + ".weight");
        double[] bias = biased ? weight(module + ".bias") : new double[0];
        int in = x[0].length;
        double[][] y = new double[x.length][weight.length / in];
        for (int t = 0; t < x.length; t++) {
            for (int o = 0; o < y[t].length; o++) {
                double sum = biased ? bias[o] : 0;
                for (int i = 0; i < in; i++) {
                    sum += weight[o * in + i] * x[t][i];
                }
                y[t][o] = sum;
            }
        }
        return y;
    }

    /** The outputs of modules that read the same, side by side. */
    private double[][] linears(double[][] x, String prefix, List<String> modules, boolean biased) {
        double[][] y = new double[x.length][0]; // (tokens, sum of outs)
        for (String module : modules) {
            double[][] part = linear(x, prefix + module, biased);
            for (int t = 0; t < y.length; t++) {
                int at = y[t].length;
                y[t] = Arrays.copyOf(y[t], at + part[t].length);
                System.arraycopy(part[t], 0, y[t], at, part[t].length);
            }
        }
        return y;
    }

    private double[][] attention(int layer, double[][] x) { // (tokens, hidden) -> (tokens, heads × headDim)
        String prefix = config.names().layer(layer);
        int dim = config.headDim();
        int heads = config.heads();
        int kvHeads = config.kvHeads();
        double[][] qkv = linears(
                x,
                prefix,
                config.names().attentionInput(),
                architecture.biases().input());
        for (int t = 0; t < x.length; t++) {
            for (int head = 0; head < heads + kvHeads; head++) {
                if (architecture.headNorms()) {
                    String norm = head < heads
                            ? config.names().queryNorm()
                            : config.names().keyNorm();
                    norm(qkv[t], head * dim, weight(prefix + norm + ".weight"));
                }
                rotate(qkv[t], head * dim, t, layer);
            }
        }
        double[][] mixed = new double[x.length][heads * dim];
        for (int t = 0; t < x.length; t++) {
            for (int head = 0; head < heads; head++) {
                int key = (heads + head / (heads / kvHeads)) * dim;
                attend(qkv, t, head * dim, key, architecture.layers().get(layer).window(), mixed[t]);
            }
        }
        return mixed;
    }

    private void rotate(double[] heads, int from, int position, int layer) { // (all heads)
        double[] frequencies = architecture
                .ropes()
                .get(architecture.layers().get(layer).rope())
                .inverseFrequencies();
        int half = frequencies.length;
        for (int i = 0; i < half; i++) {
            double cosine = Math.cos(position * frequencies[i]);
            double sine = Math.sin(position * frequencies[i]);
            double first = heads[from + i];
            double second = heads[from + half + i];
            heads[from + i] = first * cosine - second * sine;
            heads[from + half + i] = second * cosine + first * sine;
        }
    }

    /** What one head of one token takes from the values; they follow the keys at the same distance for every head. */
    private void attend(double[][] qkv, int token, int query, int key, int window, double[] mixed) {
        int dim = config.headDim();
        int value = key + config.kvHeads() * dim;
        int first = window > 0 ? Math.max(0, token - window + 1) : 0;
        double[] scores = new double[token + 1 - first];
        double largest = Double.NEGATIVE_INFINITY;
        double cap = architecture.attentionCap();
        for (int s = 0; s < scores.length; s++) {
            double product = 0;
            for (int i = 0; i < dim; i++) {
                product += qkv[token][query + i] * qkv[first + s][key + i];
            }
            product *= architecture.queryScale();
            scores[s] = cap > 0 ? cap * Math.tanh(product / cap) : product;
            largest = Math.max(largest, scores[s]);
        }
        double total = 0;
        for (int s = 0; s < scores.length; s++) {
            scores[s] = Math.exp(scores[s] - largest);
            total += scores[s];
        }
        for (int s = 0; s < scores.length; s++) {
            for (int i = 0; i < dim; i++) {
                mixed[query + i] += scores[s] / total * qkv[first + s][value + i];
            }
        }
    }

    private double[][] mlpMiddle(double[][] x, String prefix) { // (tokens, hidden) -> (tokens, intermediate)
        double[][] projected = linears(
                x, prefix, config.names().mlpInput(), architecture.biases().mlp());
        int inner = config.intermediate();
        double[][] middle = new double[x.length][inner];
        for (int t = 0; t < x.length; t++) {
            for (int i = 0; i < inner; i++) {
                middle[t][i] = activate(projected[t][i]) * (architecture.gated() ? projected[t][inner + i] : 1);
            }
        }
        return middle;
    }

    private double activate(double x) {
        return switch (architecture.activation()) {
            case SILU -> x / (1 + Math.exp(-x));
            case GELU_TANH -> x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case GELU -> throw new IllegalArgumentException("the exact forward pass has no error function for GELU");
        };
    }

    private double[] weight(String tensor) { // (elements)
        return weights.computeIfAbsent(tensor, this::read);
    }

    private double[] read(String tensor) { // (elements)
        Path path = files.get(tensor);
        if (path == null) {
            throw new IllegalArgumentException("the model has no tensor " + tensor);
        }
        try (SafetensorsFile file = SafetensorsFile.open(path, SafetensorsLimits.BASE_MODEL)) {
            return file.doubles(tensor);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
