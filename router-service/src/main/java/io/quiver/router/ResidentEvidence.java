package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.StoredFile;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ObjLongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The base calibrations in use on one decoder, and the evidence of resident experts against them. A calibration is opened when a
 * library is first compared by it; beyond two, the one used longest ago is closed once nobody uses it. An expert's evidence is
 * loaded when it is first needed and goes with the expert. Thread-safe; loading happens on the thread that asks.
 */
public final class ResidentEvidence {
    /** The newest calibration of a base, and the one that serves until all experts are measured against the newest. */
    private static final int CALIBRATIONS_KEPT = 2;

    private static final Logger LOG = LoggerFactory.getLogger(ResidentEvidence.class);

    private final Decoder decoder;
    private final EvidenceFiles files;
    private final ConcurrentMap<Digest, OpenCalibration> calibrations = new ConcurrentHashMap<>();
    private final AtomicLong uses = new AtomicLong();

    public ResidentEvidence(Decoder decoder, EvidenceFiles files) {
        this.decoder = decoder;
        this.files = files;
    }

    /** A library that can be compared, for as long as this is open. The lease of its experts must stay open as long. */
    public final class Lease implements AutoCloseable {
        private final Digest calibration;
        private final EvidenceLibrary library;
        private boolean closed;

        private Lease(Digest calibration, EvidenceLibrary library) {
            this.calibration = calibration;
            this.library = library;
        }

        public EvidenceLibrary library() {
            return library;
        }

        /** The same for one more text. */
        public synchronized Lease again() {
            if (closed) {
                throw new IllegalStateException("the lease is closed");
            }
            calibrations.computeIfPresent(calibration, (digest, open) -> open.used(uses.incrementAndGet()));
            return new Lease(calibration, library);
        }

        @Override
        public synchronized void close() {
            if (!closed) {
                closed = true;
                calibrations.computeIfPresent(calibration, (digest, open) -> open.released());
            }
        }
    }

    /**
     * Makes a library comparable.
     *
     * @param experts resident, and kept so by the caller
     * @param grew is told of experts that take more memory than before, or less, by so many bytes
     * @throws RequestRefusedException if the calibration or an expert's evidence cannot be loaded
     */
    public Lease acquire(EvidencePlan plan, List<PinnedExpert> experts, ObjLongConsumer<Digest> grew) {
        CalibrationRef reference = plan.calibration();
        OpenCalibration open = calibrations.compute(reference.digest(), (digest, known) -> {
            OpenCalibration calibration = known == null ? open(reference) : known;
            return calibration.used(uses.incrementAndGet());
        });
        try {
            EvidenceLibrary library = open.library(experts, plan.references(), grew);
            closeOld(grew);
            return new Lease(reference.digest(), library);
        } catch (RuntimeException e) {
            calibrations.computeIfPresent(reference.digest(), (digest, unused) -> unused.released());
            throw e;
        }
    }

    /** The example prompts that an expert was uploaded with; throws if they cannot be had. */
    List<String> examples(StoredFile file) {
        return files.examples(file);
    }

    private OpenCalibration open(CalibrationRef reference) {
        try {
            return new OpenCalibration(reference, decoder, files);
        } catch (RuntimeException e) {
            LOG.warn("calibration {} cannot be opened", reference.digest(), e);
            throw new RequestRefusedException(
                    RefusalCode.EXPERT_UNAVAILABLE,
                    "calibration " + reference.digest() + " cannot be loaded: " + e.getMessage(),
                    "routing.strategy",
                    e);
        }
    }

    private void closeOld(ObjLongConsumer<Digest> grew) {
        calibrations.values().stream()
                .sorted(Comparator.comparingLong(OpenCalibration::lastUse).reversed())
                .skip(CALIBRATIONS_KEPT)
                .map(old -> old.reference().digest())
                .toList()
                .forEach(digest -> calibrations.computeIfPresent(digest, (same, open) -> {
                    if (open.inUse()) {
                        return open;
                    }
                    open.close(grew);
                    return null;
                }));
    }

    /**
     * What is resident at one moment.
     *
     * @param experts with evidence; counted for each calibration
     * @param residentBytes of the matrices of all calibrations and experts; those of experts count as the experts' memory too
     */
    public record Load(int calibrations, int experts, long residentBytes) {}

    public Load load() {
        List<OpenCalibration> open = List.copyOf(calibrations.values());
        return new Load(
                open.size(),
                open.stream().mapToInt(OpenCalibration::experts).sum(),
                open.stream().mapToLong(OpenCalibration::residentBytes).sum());
    }

    /** Frees the evidence of an expert that is not resident any more. */
    void forget(Digest expert) {
        calibrations.values().forEach(open -> open.forget(expert));
    }
}
