package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The golden files of this module, and the few steps that all tests take with them. */
final class Fixtures {
    private static final Path ROOT = root();

    private Fixtures() {}

    private static Path root() {
        try {
            return Path.of(Fixtures.class.getResource("/fixtures").toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    record Prompt(int[] ids, int[] greedy) {}

    static Path path(String name) {
        return ROOT.resolve(name);
    }

    /** With kernels where the build made them, unless this run of the tests is the one without. */
    static TorchDecoder open(String model, Precision precision) {
        DecoderSettings settings = DecoderSettings.cpu(precision, 2);
        return open(model, Boolean.getBoolean("quiver.test.without-kernels") ? settings.withoutKernels() : settings);
    }

    static TorchDecoder open(String model, DecoderSettings settings) {
        try {
            return TorchDecoder.open(path("models/" + model), settings);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static JsonNode json(String name) {
        try {
            return new JsonMapper().readTree(Files.readAllBytes(path(name)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<Prompt> prompts(String jsonName) {
        List<Prompt> prompts = new ArrayList<>();
        for (JsonNode prompt : json(jsonName).required("prompts")) {
            prompts.add(new Prompt(ints(prompt.required("ids")), ints(prompt.required("greedy"))));
        }
        return prompts;
    }

    private static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).intValue();
        }
        return values;
    }

    /** A tensor of an expected.safetensors, cut into rows. */
    static float[][] rows(String name, String tensor) {
        try (SafetensorsFile file = SafetensorsFile.open(path(name), SafetensorsLimits.BASE_MODEL)) {
            float[] values = file.floats(tensor);
            int rows = Math.toIntExact(file.header().tensor(tensor).shape().get(0));
            float[][] result = new float[rows][values.length / rows];
            for (int row = 0; row < rows; row++) {
                System.arraycopy(values, row * result[row].length, result[row], 0, result[row].length);
            }
            return result;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Names of the tensors of a file that begin so. */
    static List<String> tensors(String name, String prefix) {
        try (SafetensorsFile file = SafetensorsFile.open(path(name), SafetensorsLimits.BASE_MODEL)) {
            return file.header().tensors().stream()
                    .map(TensorInfo::name)
                    .filter(tensor -> tensor.startsWith(prefix))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Map<String, ModulePrototype> prototypes(String adapter) {
        Map<String, ModulePrototype> prototypes = new HashMap<>();
        json(adapter + "/prototypes.json").properties().forEach(entry -> {
            JsonNode module = entry.getValue();
            double[] sigma = doubles(module.required("sigma"));
            double[] vector = doubles(module.required("prototype"));
            float[] rounded = new float[vector.length];
            for (int i = 0; i < vector.length; i++) {
                rounded[i] = (float) vector[i];
            }
            prototypes.put(
                    entry.getKey(),
                    new ModulePrototype(
                            entry.getKey(),
                            module.required("r").intValue(),
                            module.required("scaling").doubleValue(),
                            rounded,
                            sigma));
        });
        return prototypes;
    }

    private static double[] doubles(JsonNode array) {
        double[] values = new double[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).doubleValue();
        }
        return values;
    }

    /** Makes an adapter of the fixtures resident; its name stands in for the digest. */
    static Expert load(Decoder decoder, String adapter) {
        try {
            return decoder.load(adapter, path(adapter), prototypes(adapter));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<Expert> load(Decoder decoder, List<String> adapters) {
        return adapters.stream().map(adapter -> load(decoder, adapter)).toList();
    }

    /** Logits after every token of a prompt, fed at once. */
    static float[][] logits(Decoder decoder, Routing routing, int[] ids) {
        return prefill(decoder, routing, ids).logitsByToken();
    }

    static Decoder.StepOutput prefill(Decoder decoder, Routing routing, int[] ids) {
        try (Sequence sequence = decoder.open(routing)) {
            return decoder.step(List.of(new Decoder.Feed(sequence, ids, true))).get(0);
        }
    }

    static int[] greedy(Decoder decoder, Routing routing, int[] ids, int tokens) {
        int[] chosen = new int[tokens];
        try (Sequence sequence = decoder.open(routing)) {
            int[] feed = ids;
            for (int i = 0; i < tokens; i++) {
                chosen[i] = argmax(decoder.step(List.of(new Decoder.Feed(sequence, feed)))
                        .get(0)
                        .logits());
                feed = new int[] {chosen[i]};
            }
        }
        return chosen;
    }

    static int argmax(float[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            if (values[i] > values[best]) {
                best = i;
            }
        }
        return best;
    }

    static double maxDifference(float[][] a, float[][] b) {
        if (a.length != b.length) {
            throw new AssertionError(a.length + " rows against " + b.length);
        }
        double max = 0;
        for (int row = 0; row < a.length; row++) {
            if (a[row].length != b[row].length) {
                throw new AssertionError(a[row].length + " columns against " + b[row].length);
            }
            for (int i = 0; i < a[row].length; i++) {
                double difference = Math.abs(a[row][i] - b[row][i]);
                max = difference <= max ? max : difference;
            }
        }
        return max;
    }

    /** Random tokens that every fixture model knows. */
    static int[] tokens(int count, long seed) {
        return new Random(seed).ints(count, 6, 288).toArray();
    }

    /** The logits of each token, one step each. */
    static float[][] oneByOne(TorchDecoder decoder, Routing routing, int[] ids) {
        float[][] logits = new float[ids.length][];
        try (Sequence sequence = decoder.open(routing)) {
            for (int i = 0; i < ids.length; i++) {
                logits[i] = decoder.step(List.of(new Feed(sequence, new int[] {ids[i]})))
                        .get(0)
                        .logits();
                assertThat(sequence.length()).isEqualTo(i + 1);
            }
        }
        return logits;
    }
}
