package io.quiver.worker;

import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.InvalidPrototypeFileException;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeFile;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.ExampleCentroids;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.InvalidAdapterException;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraModule;
import io.quiver.lora.safetensors.InvalidSafetensorsException;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStore.ObjectInfo;
import io.quiver.schemas.CalibrationEvent.AdapterCalibrationRequested;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.schemas.EvidenceReport;
import io.quiver.schemas.PrototypeFileRef;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Computes the prototypes of an uploaded adapter, and its evidence where its base model is calibrated, and leaves them in the
 * object store as one file, under a key that follows from the adapter's digest, the algorithm, and what the evidence depends on.
 * The same work gives the same bytes, whoever does it and how often. Thread-safe.
 */
public final class ComputeAdapterPrototypes {
    private static final Logger LOG = LoggerFactory.getLogger(ComputeAdapterPrototypes.class);

    /** A file that is already there is only read up to this size; a larger one is not one of ours. */
    private static final long PROTOTYPES_BYTES_MAX = 1L << 30;

    private static final int MODULES_NAMED_MAX = 3;

    private final ObjectStore store;
    private final Path tempDir;
    private final FetchAdapter fetchAdapter;
    private final MeasureEvidence measureEvidence;
    private final Clock clock;

    /**
     * @param tempDir where adapters lie while they are worked on, made if absent
     * @param weightsBytesMax the largest file of weights taken
     */
    public ComputeAdapterPrototypes(
            ObjectStore store, Path tempDir, long weightsBytesMax, MeasureEvidence measureEvidence, Clock clock) {
        this.store = store;
        this.tempDir = tempDir;
        this.fetchAdapter = new FetchAdapter(store, tempDir, weightsBytesMax);
        this.measureEvidence = measureEvidence;
        this.clock = clock;
    }

    /**
     * Computes the prototypes of an uploaded version, and its evidence if the upload asks for it; or finds that it has been done.
     *
     * @throws io.quiver.objectstore.ObjectStoreException if the store failed; worth trying again
     * @throws UncheckedIOException if the connection or the disk failed; worth trying again
     */
    public PrototypeOutcome compute(AdapterUploaded uploaded) {
        return compute(AdapterWork.of(uploaded));
    }

    /** Completes a version that is ready with its evidence; throws as {@link #compute(AdapterUploaded)}. */
    public PrototypeOutcome compute(AdapterCalibrationRequested requested) {
        return compute(AdapterWork.of(requested));
    }

    private PrototypeOutcome compute(AdapterWork work) {
        long startMillis = clock.millis();
        try {
            Stored stored = find(work);
            if (stored == null) {
                stored = computeAndStore(work);
            }
            return new PrototypeOutcome.Computed(
                    stored.file(), stored.moduleCount(), clock.millis() - startMillis, stored.evidence());
        } catch (UnusableAdapterException e) {
            return e.toOutcome();
        }
    }

    /** A prototype file in the store. */
    private record Stored(
            PrototypeFileRef file,
            int moduleCount,
            @Nullable EvidenceReport evidence) {}

    private Stored computeAndStore(AdapterWork work) {
        PrototypeFile file;
        EvidenceReport report;
        try (TemporaryFolder folder = fetchAdapter.fetch(work);
                LoraAdapter adapter = LoraAdapter.open(folder.path(), AdapterLimits.DEFAULT)) {
            PrototypeFile alone =
                    new PrototypeFile(ComputePrototypes.ALGORITHM, work.digest().toString(), prototypes(adapter));
            CalibrationRef calibration = work.calibration();
            MeasureEvidence.Outcome outcome =
                    calibration == null ? null : measureEvidence.measure(adapter, work, calibration);
            file = outcome instanceof MeasureEvidence.Outcome.Measured measured ? with(alone, measured) : alone;
            report = outcome == null || calibration == null ? null : report(calibration, outcome);
        } catch (InvalidAdapterException | InvalidSafetensorsException e) {
            throw new UnusableAdapterException(FailureCode.UNREADABLE_ADAPTER, String.valueOf(e.getMessage()), null);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the adapter: " + e.getMessage(), e);
        }
        byte[] content = file.toBytes();
        ObjectKey target = file.evidence().isPresent() ? target(work) : targetAlone(work);
        store.put(target, new ByteArrayInputStream(content), content.length);
        return stored(target, content, file.prototypes().size(), report);
    }

    private static PrototypeFile with(PrototypeFile alone, MeasureEvidence.Outcome.Measured measured) {
        return new PrototypeFile(
                alone.algorithm(),
                alone.adapterDigest(),
                alone.prototypes(),
                Optional.of(measured.evidence()),
                measured.examples());
    }

    private static EvidenceReport report(CalibrationRef calibration, MeasureEvidence.Outcome outcome) {
        if (outcome instanceof MeasureEvidence.Outcome.NotMeasured failed) {
            return EvidenceReport.failed(calibration.digest(), failed.code().code(), failed.message());
        }
        if (outcome instanceof MeasureEvidence.Outcome.Measured measured) {
            return EvidenceReport.carried(
                    calibration.digest(),
                    measured.examples().map(ExampleCentroids::examples).orElse(0));
        }
        throw new IllegalStateException("unknown outcome " + outcome);
    }

    private static ObjectKey targetAlone(AdapterWork work) {
        return ObjectKey.prototypes(work.digest().hex(), ComputePrototypes.ALGORITHM);
    }

    /** Where the file lies if it has all that is wanted. */
    private static ObjectKey target(AdapterWork work) {
        return work.calibration() == null
                ? targetAlone(work)
                : ObjectKey.prototypesWithEvidence(
                        work.digest().hex(),
                        ComputePrototypes.ALGORITHM,
                        work.calibration().digest().hex(),
                        Optional.ofNullable(work.examples())
                                .map(examples -> examples.digest().hex()));
    }

    /** At least one. Modules without an update are left out: no router can choose the adapter there. */
    private static List<ModulePrototype> prototypes(LoraAdapter adapter) {
        List<PrototypeResult> results = adapter.modules().parallelStream()
                .map(module -> prototype(adapter, module))
                .toList();
        List<ModulePrototype> prototypes = new ArrayList<>();
        for (PrototypeResult result : results) {
            if (result instanceof PrototypeResult.Computed computed) {
                prototypes.add(computed.prototype());
            }
        }
        if (prototypes.isEmpty()) {
            throw zeroUpdate(results.stream().map(PrototypeResult::module).toList());
        }
        return prototypes;
    }

    private static PrototypeResult prototype(LoraAdapter adapter, LoraModule module) {
        double[] a; // (rank, in)
        double[] b; // (out, rank)
        try {
            a = adapter.aExact(module);
            b = adapter.bExact(module);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read module " + module.path() + ": " + e.getMessage(), e);
        }
        requireFinite(a, "A", module);
        requireFinite(b, "B", module);
        return ComputePrototypes.compute(module, a, b);
    }

    /** @param elements // (elements) */
    private static void requireFinite(double[] elements, String factor, LoraModule module) {
        for (int i = 0; i < elements.length; i++) {
            if (!Double.isFinite(elements[i])) {
                throw new UnusableAdapterException(
                        FailureCode.NOT_FINITE,
                        "element " + i + " of " + factor + " is " + elements[i] + " in module " + module.path(),
                        module.path());
            }
        }
    }

    private static UnusableAdapterException zeroUpdate(List<String> modules) {
        List<String> named = modules.subList(0, Math.min(MODULES_NAMED_MAX, modules.size()));
        String more = modules.size() > named.size() ? " and " + (modules.size() - named.size()) + " more" : "";
        return new UnusableAdapterException(
                FailureCode.ZERO_UPDATE,
                "B·A is zero in every module (" + String.join(", ", named) + more
                        + "): the adapter changes nothing, as if it had never been trained; upload the trained weights",
                modules.size() == 1 ? modules.get(0) : null);
    }

    /** The file that an earlier computation left, if it is one. */
    private @Nullable Stored find(AdapterWork work) {
        ObjectKey target = target(work);
        Optional<ObjectInfo> info = store.find(target);
        if (info.isEmpty()) {
            return null;
        }
        if (info.get().sizeBytes() > PROTOTYPES_BYTES_MAX) {
            LOG.warn("{} has {} bytes and is computed again", target, info.get().sizeBytes());
            return null;
        }
        try (TemporaryFolder folder = TemporaryFolder.in(tempDir);
                InputStream in = store.get(target)) {
            byte[] content = in.readNBytes((int) PROTOTYPES_BYTES_MAX);
            Path copy = Files.write(folder.file("prototypes.safetensors"), content);
            PrototypeFile file = PrototypeFile.read(copy);
            if (!isOf(work, file)) {
                LOG.warn("{} is of {} by {} and is computed again", target, file.adapterDigest(), file.algorithm());
                return null;
            }
            EvidenceReport report = work.calibration() == null
                    ? null
                    : EvidenceReport.carried(
                            work.calibration().digest(),
                            file.examples().map(ExampleCentroids::examples).orElse(0));
            return stored(target, content, file.prototypes().size(), report);
        } catch (InvalidPrototypeFileException | InvalidSafetensorsException e) {
            LOG.warn("{} is no prototype file and is computed again: {}", target, e.getMessage());
            return null;
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + target + " broke off: " + e.getMessage(), e);
        }
    }

    private static boolean isOf(AdapterWork work, PrototypeFile file) {
        return file.algorithm().equals(ComputePrototypes.ALGORITHM)
                && file.adapterDigest().equals(work.digest().toString())
                && file.evidence()
                        .map(AdapterEvidence::calibrationDigest)
                        .equals(Optional.ofNullable(work.calibration())
                                .map(calibration -> calibration.digest().toString()))
                && file.examples().isPresent() == (work.calibration() != null && work.examples() != null);
    }

    private static Stored stored(ObjectKey target, byte[] content, int moduleCount, @Nullable EvidenceReport evidence) {
        return new Stored(
                new PrototypeFileRef(ComputePrototypes.ALGORITHM, target.value(), Digest.of(content), content.length),
                moduleCount,
                evidence);
    }
}
