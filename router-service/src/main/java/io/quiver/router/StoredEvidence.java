package io.quiver.router;

import io.quiver.lora.arrow.PrototypeFile;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.CalibrationFile;
import io.quiver.lora.evidence.CompareExamples;
import io.quiver.lora.evidence.PointBaseline;
import io.quiver.objectstore.ContentMismatchException;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.EvidenceRef;
import io.quiver.schemas.ExamplePrompts;
import io.quiver.schemas.StoredFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Calibrations and evidence in the object store. Of a calibration only what a decision needs is read into memory. */
final class StoredEvidence implements EvidenceFiles {
    private final ContentCache cache;

    StoredEvidence(ContentCache cache) {
        this.cache = cache;
    }

    private interface Reading<T> {
        T of(Path path) throws IOException;
    }

    private static <T> T read(ContentCache.Held file, Reading<T> reading) {
        try (file) {
            return reading.of(file.path());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public List<PointBaseline> baselines(CalibrationRef calibration) {
        return read(cache.calibration(calibration), CalibrationFile::readBaselines);
    }

    @Override
    public List<CompareExamples.Frame> frames(CalibrationRef calibration) {
        return read(cache.calibration(calibration), CalibrationFile::readFrames);
    }

    @Override
    public List<String> examples(StoredFile file) {
        if (file.sizeBytes() > ExamplePrompts.BYTES_MAX) {
            throw new ContentMismatchException(
                    "examples have " + ExamplePrompts.BYTES_MAX + " bytes at most, these " + file.sizeBytes());
        }
        List<ExamplePrompts.Fault> faults = new ArrayList<>();
        List<String> prompts = ExamplePrompts.read(
                read(
                        cache.folder(file.digest(), List.of(file)),
                        folder -> Files.readAllBytes(folder.resolve(file.name()))),
                faults);
        if (!faults.isEmpty()) {
            throw new ContentMismatchException("line " + faults.get(0).line() + " is no example: "
                    + faults.get(0).message());
        }
        return prompts;
    }

    @Override
    public Measured measured(PinnedExpert expert, EvidenceRef reference) {
        PrototypeFile file = read(cache.prototypes(reference.prototypes()), PrototypeFile::read);
        String calibration = reference.calibration().digest().toString();
        String against = file.evidence()
                .map(AdapterEvidence::calibrationDigest)
                .orElseThrow(() -> new ContentMismatchException(
                        "the file " + reference.prototypes().digest() + " has no evidence"));
        if (!file.adapterDigest().equals(expert.digest().toString()) || !against.equals(calibration)) {
            throw new ContentMismatchException("the evidence of " + expert.digest() + " against " + calibration
                    + " is of " + file.adapterDigest() + " against " + against);
        }
        return new Measured(file.evidence().get(), file.examples());
    }
}
