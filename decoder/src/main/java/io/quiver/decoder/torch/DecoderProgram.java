package io.quiver.decoder.torch;

import io.quiver.decoder.Architecture;
import io.quiver.decoder.Architecture.Activation;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.ModelConfig;
import io.quiver.decoder.Precision;
import io.quiver.decoder.WeightCache;
import io.quiver.decoder.huggingface.WeightFiles;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
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
            LoadWeights weights = new LoadWeights(program, config, files);
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
}
