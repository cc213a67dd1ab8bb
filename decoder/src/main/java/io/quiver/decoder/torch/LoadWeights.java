package io.quiver.decoder.torch;

import io.quiver.decoder.Architecture;
import io.quiver.decoder.ModelConfig;
import io.quiver.decoder.ModelNames;
import io.quiver.decoder.UnsupportedModelException;
import io.quiver.decoder.huggingface.WeightFiles;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** One pass over a model's tensors, in the order that the text gives for its lists. */
final class LoadWeights {
    private static final String ENDS = "ends";
    private static final String LAYERS = "weights";
    private static final String EXTRAS = "extras";

    private final TensorProgram program;
    private final ModelConfig config;
    private final Architecture architecture;
    private final ModelNames names;
    private final WeightFiles files;
    private final Stage stage;
    private final Set<String> taken = new HashSet<>();

    LoadWeights(TensorProgram program, ModelConfig config, WeightFiles files) {
        this.program = program;
        this.config = config;
        this.architecture = config.architecture();
        this.names = config.names();
        this.files = files;
        this.stage = new Stage(program);
    }

    void load() throws IOException {
        ends();
        List<Point> points = Point.of(config);
        for (int layer = 0; layer < config.layers(); layer++) {
            int first = layer * Point.PER_LAYER;
            layer(names.layer(layer), points.subList(first, first + Point.PER_LAYER));
        }
        program.run("unmap");
        refuseOthers();
    }

    private void ends() throws IOException {
        long hidden = config.hidden();
        long vocabulary = config.vocabulary();
        put(names.embedding() + ".weight", vocabulary, hidden);
        program.run("take_embedding");
        norm(ENDS, names.lastNorm());
        if (!config.tiedEmbeddings()) {
            put(names.head() + ".weight", vocabulary, hidden);
        }
        program.run("take_head");
        normBias(ENDS, names.lastNorm());
        putIf(architecture.biases().head(), names.head() + ".bias", vocabulary);
        program.run("take_bias", ENDS);
    }

    private void layer(String prefix, List<Point> points) throws IOException {
        boolean sequential = !architecture.parallelBlock();
        norm(LAYERS, prefix + names.attentionNorm());
        linear(points.get(0));
        linear(points.get(1));
        norm(LAYERS, sequential ? prefix + names.mlpNorm() : "");
        linear(points.get(2));
        linear(points.get(3));

        bias(points.get(0), architecture.biases().input());
        bias(points.get(1), architecture.biases().output());
        bias(points.get(2), architecture.biases().mlp());
        bias(points.get(3), architecture.biases().mlp());
        normBias(EXTRAS, prefix + names.attentionNorm());
        normBias(EXTRAS, sequential ? prefix + names.mlpNorm() : "");
        long width = config.headDim();
        putIf(architecture.headNorms(), prefix + names.queryNorm() + ".weight", width);
        putIf(architecture.headNorms(), prefix + names.keyNorm() + ".weight", width);
        program.run("take_head_norms", architecture.norm().offset());
        norm(EXTRAS, architecture.outputNorms() ? prefix + names.attentionOutputNorm() : "");
        norm(EXTRAS, architecture.outputNorms() ? prefix + names.mlpOutputNorm() : "");
    }

    /** Appends a norm's weight to a list; nothing of its size if it has no name. */
    private void norm(String list, String name) throws IOException {
        putIf(!name.isEmpty(), name + ".weight", config.hidden());
        program.run("take_norm", list, architecture.norm().offset());
    }

    private void normBias(String list, String name) throws IOException {
        putIf(architecture.norm().centred() && !name.isEmpty(), name + ".bias", config.hidden());
        program.run("take_vector", list);
    }

    private void linear(Point point) throws IOException {
        for (int i = 0; i < point.modules().size(); i++) {
            put(point.modules().get(i) + ".weight", (long) point.outs().get(i), (long) point.in());
        }
        program.run("take_linear");
    }

    private void bias(Point point, boolean present) throws IOException {
        for (int i = 0; i < point.modules().size(); i++) {
            putIf(present, point.modules().get(i) + ".bias", point.outs().get(i));
        }
        program.run("take_bias", EXTRAS);
    }

    private void putIf(boolean present, String name, long width) throws IOException {
        if (present) {
            put(name, width);
        }
    }

    private void put(String name, Long... shape) throws IOException {
        stage.put(files.find(name, shape));
        taken.add(name);
    }

    /** A tensor that is left over would have changed the result: a bias, a norm, a layer more. */
    private void refuseOthers() {
        for (String name : files.tensors()) {
            boolean harmless = name.endsWith("rotary_emb.inv_freq")
                    || (config.tiedEmbeddings() && name.equals(names.head() + ".weight"));
            if (!harmless && !taken.contains(name)) {
                throw new UnsupportedModelException(
                        name, "the model has this tensor, a " + config.family() + " with its configuration has not");
            }
        }
    }
}
