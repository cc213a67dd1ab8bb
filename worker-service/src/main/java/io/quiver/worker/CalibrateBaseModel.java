package io.quiver.worker;

import io.quiver.decoder.evidence.CalibrateBase;
import io.quiver.decoder.evidence.CalibrationProgress;
import io.quiver.lora.evidence.FitCalibration;
import io.quiver.lora.evidence.InvalidCalibrationFileException;
import io.quiver.lora.safetensors.InvalidSafetensorsException;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStore.ObjectInfo;
import io.quiver.schemas.CalibrationEvent.BaseModelCalibrationRequested;
import io.quiver.schemas.CalibrationRef;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.LongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calibrates a base model and leaves the calibration in the object store as one file, under its own digest and what it was
 * computed from. A calibration that another worker has left there, for the same model, algorithm and seed, is as good as a new
 * one. Thread-safe.
 */
public final class CalibrateBaseModel {
    private static final Logger LOG = LoggerFactory.getLogger(CalibrateBaseModel.class);
    private static final String SUFFIX = ".safetensors";
    private static final int BUFFER_BYTES = 1 << 16;

    private final ObjectStore store;
    private final Path tempDir;
    private final HeldBase heldBase;
    private final LongFunction<CalibrateBase.Settings> settings;
    private final Clock clock;

    /**
     * @param tempDir where the calibration lies until it is stored, and what it is computed from, made if absent
     * @param settings for a seed
     */
    public CalibrateBaseModel(
            ObjectStore store,
            Path tempDir,
            HeldBase heldBase,
            LongFunction<CalibrateBase.Settings> settings,
            Clock clock) {
        this.store = store;
        this.tempDir = tempDir;
        this.heldBase = heldBase;
        this.settings = settings;
        this.clock = clock;
    }

    /**
     * Calibrates, or finds that it has been done.
     *
     * @throws io.quiver.objectstore.ObjectStoreException if the store failed; worth trying again
     * @throws UncheckedIOException if the connection or the disk failed; worth trying again
     * @throws IllegalStateException if the model has not enough different things to say, or the engine failed
     */
    public CalibrationOutcome calibrate(BaseModelCalibrationRequested request, CalibrationProgress progress) {
        long startMillis = clock.millis();
        try {
            CalibrationRef file = find(request).orElseGet(() -> calibrateAndStore(request, progress));
            return new CalibrationOutcome.Computed(file, clock.millis() - startMillis);
        } catch (UnusableBaseException e) {
            return new CalibrationOutcome.Failed(e.code(), String.valueOf(e.getMessage()));
        }
    }

    private CalibrationRef calibrateAndStore(BaseModelCalibrationRequested request, CalibrationProgress progress) {
        try (TemporaryFolder folder = TemporaryFolder.in(tempDir)) {
            Path copy = folder.file("calibration" + SUFFIX);
            CalibrationDigests digests = heldBase.use(
                    request.base(), request.files(), base -> calibrate(base, request, folder.path(), copy, progress));
            ObjectKey key = ObjectKey.calibration(
                    request.base().digest().hex(),
                    FitCalibration.ALGORITHM,
                    request.seed(),
                    digests.whole().hex());
            try (InputStream in = Files.newInputStream(copy)) {
                store.put(key, in, digests.sizeBytes());
            }
            return digests.at(key);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write the calibration: " + e.getMessage(), e);
        }
    }

    /** Leaves the calibration in a file. */
    private CalibrationDigests calibrate(
            OpenBase base,
            BaseModelCalibrationRequested request,
            Path folder,
            Path file,
            CalibrationProgress progress) {
        CalibrateBase calibrate =
                new CalibrateBase(base.decoder(), base.tokenizer(), base.template(), settings.apply(request.seed()));
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), BUFFER_BYTES)) {
            calibrate.calibrate(request.base().digest().toString(), folder, out, (phase, done, total) -> {
                heldBase.requireRunning();
                progress.reached(phase, done, total);
            });
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write the calibration: " + e.getMessage(), e);
        }
        try (InputStream in = Files.newInputStream(file)) {
            return CalibrationDigests.of(in);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write the calibration: " + e.getMessage(), e);
        }
    }

    /** The oldest one that is whole: everybody finds the same. */
    private Optional<CalibrationRef> find(BaseModelCalibrationRequested request) {
        String prefix =
                ObjectKey.calibrations(request.base().digest().hex(), FitCalibration.ALGORITHM) + request.seed() + "/";
        List<ObjectInfo> there = store.list(prefix).stream()
                .sorted(Comparator.comparing(ObjectInfo::modifiedAt)
                        .thenComparing(info -> info.key().value()))
                .toList();
        for (ObjectInfo info : there) {
            String name = info.key().value().substring(prefix.length());
            try (InputStream in = store.get(info.key())) {
                CalibrationDigests digests = CalibrationDigests.of(in);
                if (name.equals(digests.whole().hex() + SUFFIX)) {
                    return Optional.of(digests.at(info.key()));
                }
                LOG.warn("{} has {} and is passed over", info.key(), digests.whole());
            } catch (InvalidSafetensorsException | InvalidCalibrationFileException e) {
                LOG.warn("{} is passed over: {}", info.key(), e.getMessage());
            } catch (IOException e) {
                throw new UncheckedIOException("reading " + info.key() + " broke off: " + e.getMessage(), e);
            }
        }
        return Optional.empty();
    }
}
