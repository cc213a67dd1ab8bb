package io.quiver.decoder.torch;

import io.quiver.decoder.Architecture;
import io.quiver.decoder.Architecture.Activation;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.ModelConfig;
import io.quiver.decoder.ModelNames;
import io.quiver.decoder.Precision;
import io.quiver.decoder.UnsupportedModelException;
import io.quiver.decoder.WeightCache;
import io.quiver.decoder.huggingface.WeightFiles;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;

/** Makes the program of a base model and gives it its weights. */
final class DecoderProgram {
    /** Bytes of a block of weights of few bits with its scales. */
    private static final int BLOCK_BYTES_MAX = 68;

    private static final int FLOAT32 = 6;
    private static final int BFLOAT16 = 15;
    private static final int ALIGNMENT_BYTES = 64;

    /** Linear layers for the CPU. */
    static final String ONEDNN = "linear-onednn.torchscript";
    /** Linear layers for the CPU, with the kernels. */
    static final String DENSE = "linear-dense.torchscript";
    /** Linear layers for any device. An operator that a device's libtorch lacks would fail the whole text. */
    static final String PLAIN = "linear-plain.torchscript";

    private DecoderProgram() {}

    /** The kind of linear layers that is fastest. */
    static String linearFor(DecoderSettings settings) {
        return !settings.onCpu() ? PLAIN : settings.kernels() && Kernels.present() ? DENSE : ONEDNN;
    }

    /** Compiles the text with one of the kinds of linear layers. */
    private static TensorProgram compile(DecoderSettings settings, String linear) {
        if (settings.onCpu()) {
            ThreadLimits.check(settings.threads(), System.getenv());
        }
        List<String> pieces = new ArrayList<>(List.of(
                linear,
                "quantize.torchscript",
                "layers.torchscript",
                "routing.torchscript",
                "gates.torchscript",
                "weights.torchscript",
                "decoder.torchscript",
                "probes.torchscript",
                "evidence.torchscript",
                "experts.torchscript",
                "gate-tables.torchscript"));
        pieces.add(linear.equals(DENSE) ? "kernels.torchscript" : "no-kernels.torchscript");
        byte[] archive = TorchScriptArchive.ofResources(pieces.toArray(String[]::new));
        return new DjlTensorProgram(archive, settings.threads());
    }

    /**
     * Compiles the text and loads all weights.
     *
     * @param kept where the weights are kept between starts, if they are; the kernels' dense ones only
     */
    static TensorProgram load(
            ModelConfig config, WeightFiles files, DecoderSettings settings, String linear, Optional<WeightCache> kept)
            throws IOException {
        TensorProgram program = compile(settings, linear);
        try {
            configure(program, config, settings);
            Weights weights = new Weights(program, config, files);
            if (linear.equals(DENSE)) {
                Optional<KeptWeights> file = kept.map(cache -> new KeptWeights(cache, settings.precision()));
                boolean mapped = file.isPresent() && file.get().map(program);
                if (!mapped) {
                    program.run("open_arena", arenaBytesMax(config, settings));
                }
                weights.load();
                if (!mapped && file.isPresent()) {
                    file.get().write(program);
                }
            } else {
                weights.load();
            }
            for (Point point : Point.of(config)) {
                program.run("open_pool", point.modules().size(), point.in(), point.pieces(), point.pieceWidth());
            }
            if (linear.equals(DENSE)) {
                program.run("use_kernels", settings.threads());
            }
            return program;
        } catch (IOException | RuntimeException e) {
            program.close();
            throw e;
        }
    }

    /** So many bytes that all matrices have room in them, however they are packed: what is not touched takes no memory. */
    private static long arenaBytesMax(ModelConfig config, DecoderSettings settings) {
        long rows = 2L * config.vocabulary();
        long elements = rows * config.hidden();
        long matrices = 2;
        for (Point point : Point.of(config)) {
            long outs = point.outs().stream().mapToLong(Integer::longValue).sum();
            rows += outs;
            elements += outs * point.in();
            matrices++;
        }
        // A row of few bits is filled up to a whole block and has scales.
        return elements * elementBytes(settings) + rows * BLOCK_BYTES_MAX + matrices * ALIGNMENT_BYTES;
    }

    private static void configure(TensorProgram program, ModelConfig config, DecoderSettings settings) {
        Architecture architecture = config.architecture();
        long[] sizes = {
            config.hidden(),
            config.heads(),
            config.kvHeads(),
            config.headDim(),
            settings.precision() == Precision.FP32 ? FLOAT32 : BFLOAT16,
            architecture.window(),
            architecture.ropes().get(0).dims(),
            linearBits(settings.precision()),
            headBits(settings.precision())
        };
        Architecture.Biases biases = architecture.biases();
        long[] traits = {
            flag(architecture.norm().centred()),
            flag(architecture.parallelBlock()),
            flag(architecture.outputNorms()),
            flag(architecture.headNorms()),
            flag(biases.input()),
            flag(biases.output()),
            flag(biases.mlp()),
            flag(biases.head()),
            number(architecture.activation()),
            flag(architecture.gated())
        };
        double[] scales = {
            architecture.norm().eps(),
            architecture.queryScale(),
            architecture.attentionCap(),
            architecture.logitCap(),
            architecture.embeddingScale()
        };
        long[] layers = architecture.layers().stream()
                .flatMapToLong(layer -> LongStream.of(layer.window() > 0 ? 1 : 0, layer.rope()))
                .toArray(); // (layers, 2)
        double[] frequencies = architecture.ropes().stream()
                .flatMapToDouble(rope -> Arrays.stream(rope.inverseFrequencies()))
                .toArray(); // (ropes, dims / 2)
        program.run("configure", sizes, traits, scales, layers, frequencies, settings.device());
    }

    /** Bits of a weight of the layers' linears; 0: as all other weights. */
    private static long linearBits(Precision precision) {
        return switch (precision) {
            case BF16, FP32 -> 0;
            case INT8 -> 8;
            case INT4 -> 4;
        };
    }

    /** Bits of a weight of the head; 0: as all other weights. */
    private static long headBits(Precision precision) {
        return linearBits(precision) == 0 ? 0 : 8;
    }

    private static long flag(boolean set) {
        return set ? 1 : 0;
    }

    /** The number that the text has for an activation. */
    private static long number(Activation activation) {
        return switch (activation) {
            case SILU -> 0;
            case GELU_TANH -> 1;
            case GELU -> 2;
        };
    }

    /** Bytes of one number in the program's weights, pools and caches. */
    static int elementBytes(DecoderSettings settings) {
        return settings.precision() == Precision.FP32 ? 4 : 2;
    }

    /** One pass over a model's tensors, in the order that the text gives for its lists. */
    private static final class Weights {
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

        Weights(TensorProgram program, ModelConfig config, WeightFiles files) {
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
                            name,
                            "the model has this tensor, a " + config.family() + " with its configuration has not");
                }
            }
        }
    }
}
