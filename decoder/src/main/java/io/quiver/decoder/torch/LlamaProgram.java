package io.quiver.decoder.torch;

import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.ModelConfig;
import io.quiver.decoder.Precision;
import io.quiver.decoder.UnsupportedModelException;
import io.quiver.decoder.huggingface.WeightFiles;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Makes the program of a Llama and gives it its weights. */
final class LlamaProgram {
    private static final int FLOAT32 = 6;
    private static final int BFLOAT16 = 15;

    /** Linear layers for the CPU. */
    static final String ONEDNN = "linear-onednn.torchscript";
    /** Linear layers for any device. An operator that a device's libtorch lacks would fail the whole text. */
    static final String PLAIN = "linear-plain.torchscript";

    private LlamaProgram() {}

    /** Compiles the text with one of the two kinds of linear layers. */
    private static TensorProgram compile(DecoderSettings settings, String linear) {
        byte[] archive = TorchScriptArchive.ofResources(
                linear,
                "layers.torchscript",
                "routing.torchscript",
                "gates.torchscript",
                "llama.torchscript",
                "experts.torchscript",
                "gate-tables.torchscript");
        return new DjlTensorProgram(archive, settings.threads());
    }

    /** Compiles the text and loads all weights. */
    static TensorProgram load(ModelConfig config, WeightFiles files, DecoderSettings settings, String linear)
            throws IOException {
        TensorProgram program = compile(settings, linear);
        try {
            configure(program, config, settings);
            new Weights(program, config, files).load();
            for (Point point : Point.of(config)) {
                program.run("open_pool", point.modules().size(), point.in(), point.pieces(), point.pieceWidth());
            }
            return program;
        } catch (IOException | RuntimeException e) {
            program.close();
            throw e;
        }
    }

    private static void configure(TensorProgram program, ModelConfig config, DecoderSettings settings) {
        long[] sizes = {
            config.hidden(),
            config.heads(),
            config.kvHeads(),
            config.headDim(),
            settings.precision() == Precision.FP32 ? FLOAT32 : BFLOAT16
        };
        program.run("configure", sizes, config.rmsNormEps(), config.rope().inverseFrequencies(), settings.device());
    }

    /** Bytes of one number in the program's weights, pools and caches. */
    static int elementBytes(DecoderSettings settings) {
        return settings.precision() == Precision.FP32 ? 4 : 2;
    }

    /** One pass over a model's tensors. */
    private static final class Weights {
        private final TensorProgram program;
        private final ModelConfig config;
        private final WeightFiles files;
        private final Stage stage;
        private final Set<String> taken = new HashSet<>();

        Weights(TensorProgram program, ModelConfig config, WeightFiles files) {
            this.program = program;
            this.config = config;
            this.files = files;
            this.stage = new Stage(program);
        }

        void load() throws IOException {
            long hidden = config.hidden();
            long vocabulary = config.vocabulary();
            put("model.embed_tokens.weight", vocabulary, hidden);
            put("model.norm.weight", hidden);
            if (!config.tiedEmbeddings()) {
                put("lm_head.weight", vocabulary, hidden);
            }
            program.run("take_ends", config.tiedEmbeddings());
            List<Point> points = Point.of(config);
            for (int layer = 0; layer < config.layers(); layer++) {
                String prefix = "model.layers." + layer + ".";
                int first = layer * Point.PER_LAYER;
                put(prefix + "input_layernorm.weight", hidden);
                putLinears(points.get(first));
                putLinears(points.get(first + 1));
                put(prefix + "post_attention_layernorm.weight", hidden);
                putLinears(points.get(first + 2));
                putLinears(points.get(first + 3));
                program.run("take_layer");
            }
            program.run("unmap");
            refuseOthers();
        }

        private void putLinears(Point point) throws IOException {
            for (int i = 0; i < point.modules().size(); i++) {
                put(point.modules().get(i) + ".weight", (long) point.outs().get(i), (long) point.in());
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
                        || (config.tiedEmbeddings() && name.equals("lm_head.weight"));
                if (!harmless && !taken.contains(name)) {
                    throw new UnsupportedModelException(name, "the model has this tensor, a llama has not");
                }
            }
        }
    }
}
