package io.quiver.worker;

import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Precision;
import io.quiver.decoder.evidence.CalibrateBase;
import io.quiver.decoder.evidence.SampleGenericRequests;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.CalibrationEvent.BaseModelCalibrationRequested;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.StoredFile;
import io.quiver.worker.torch.OpenTorchDecoder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The base model of the saved adapters, of three layers, as the registry leaves it.
 *
 * @param files by name
 */
public record TinyBase(TreeMap<String, byte[]> files) {
    private static final long BYTES_MAX = 1 << 26;
    private static final Map<String, String> RESOURCES = Map.of(
            "config.json", "/fixtures/models/llama/config.json",
            "model.safetensors", "/fixtures/models/llama/model.safetensors",
            "tokenizer.json", "/text/llama/tokenizer.json",
            "tokenizer_config.json", "/text/llama/tokenizer_config.json");

    public static TinyBase saved() {
        TreeMap<String, byte[]> files = new TreeMap<>();
        RESOURCES.forEach((name, resource) -> {
            try (InputStream in = TinyBase.class.getResourceAsStream(resource)) {
                files.put(name, in.readAllBytes());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        return new TinyBase(files);
    }

    /** With something else in its configuration. */
    TinyBase configured(String from, String to) {
        String config = new String(files.get("config.json"), StandardCharsets.UTF_8);
        if (!config.contains(from)) {
            throw new IllegalArgumentException("config.json has no " + from);
        }
        TreeMap<String, byte[]> changed = new TreeMap<>(files);
        changed.put("config.json", config.replace(from, to).getBytes(StandardCharsets.UTF_8));
        return new TinyBase(changed);
    }

    public TinyBase storedIn(ObjectStore store) {
        files.values()
                .forEach(content -> store.put(
                        ObjectKey.blob(Digest.of(content).hex()), new ByteArrayInputStream(content), content.length));
        return this;
    }

    public List<StoredFile> stored() {
        return files.entrySet().stream()
                .map(file -> new StoredFile(file.getKey(), Digest.of(file.getValue()), file.getValue().length))
                .toList();
    }

    long weightsBytes() {
        return files.get("model.safetensors").length;
    }

    public BaseModelRef ref() {
        Map<String, Digest> digests = new TreeMap<>();
        files.forEach((name, content) -> digests.put(name, Digest.of(content)));
        return new BaseModelRef("llama", Digest.ofFiles(digests));
    }

    public BaseModelCalibrationRequested requested(int attempt, long seed) {
        return new BaseModelCalibrationRequested(ref(), stored(), attempt, seed, Instant.parse("2026-11-22T10:00:00Z"));
    }

    /** What computes prototypes and evidence with such a base. */
    public static ComputeAdapterPrototypes computing(ObjectStore store, Path dir) {
        MeasureEvidence measure = new MeasureEvidence(
                store, dir, new HeldCalibration(store, dir, BYTES_MAX), held(store, dir, BYTES_MAX), Clock.systemUTC());
        return new ComputeAdapterPrototypes(store, dir, BYTES_MAX, measure, Clock.systemUTC());
    }

    /** Leaves a calibration in the store, as a worker does. */
    public CalibrationRef calibrated(ObjectStore store, Path dir, long seed) {
        try (HeldBase held = held(store, dir, BYTES_MAX)) {
            CalibrationOutcome outcome = new CalibrateBaseModel(store, dir, held, TinyBase::few, Clock.systemUTC())
                    .calibrate(requested(1, seed), (phase, done, total) -> {});
            return ((CalibrationOutcome.Computed) outcome).file();
        }
    }

    /** What holds it in memory: for moments only. */
    static HeldBase held(ObjectStore store, Path dir, long weightsBytesMax) {
        return new HeldBase(
                new FetchBase(store, dir, weightsBytesMax),
                new OpenTorchDecoder(DecoderSettings.cpu(Precision.FP32, 1)),
                Duration.ofMillis(1));
    }

    /** Few requests: enough to calibrate three layers of 72. */
    public static CalibrateBase.Settings few(long seed) {
        return new CalibrateBase.Settings(seed, new SampleGenericRequests.Settings(16, 8, 8, 8, 8));
    }
}
