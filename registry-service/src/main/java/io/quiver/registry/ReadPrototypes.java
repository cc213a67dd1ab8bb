package io.quiver.registry;

import io.quiver.lora.arrow.InvalidPrototypeFileException;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeFile;
import io.quiver.lora.evidence.ExampleCentroids;
import io.quiver.lora.model.BaseModules;
import io.quiver.lora.model.LinearShape;
import io.quiver.lora.safetensors.InvalidSafetensorsException;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectNotFoundException;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreException;
import io.quiver.schemas.Digest;
import io.quiver.schemas.EvidenceReport;
import io.quiver.schemas.PrototypeFileRef;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a worker's prototype file back from the object store, as a router will: there, of the announced digest, strictly
 * parsed, of this adapter, and every prototype in the input space of a module of the base model. Thread-safe.
 */
final class ReadPrototypes {
    private static final int BUFFER_BYTES = 1 << 16;

    private final ObjectStore store;
    private final long bytesMax;

    ReadPrototypes(ObjectStore store, long bytesMax) {
        this.store = store;
        this.bytesMax = bytesMax;
    }

    /**
     * Reads and checks the file.
     *
     * @param report what the worker says of its evidence, if it was asked for some
     * @throws UnusablePrototypesException if the file is not what it should be
     * @throws ObjectStoreException if the store cannot be reached
     */
    List<ModuleSummary> read(
            AdapterVersion version, PrototypeFileRef file, @Nullable EvidenceReport report, BaseModules base)
            throws UnusablePrototypesException {
        requirePlace(version, file);
        if (file.sizeBytes() > bytesMax) {
            throw invalid("the prototype file has " + file.sizeBytes() + " bytes, at most " + bytesMax + " are read");
        }
        try {
            Path copy = Files.createTempFile("quiver-prototypes", ".safetensors");
            try {
                download(new ObjectKey(file.key()), file, copy);
                PrototypeFile prototypes = PrototypeFile.read(copy);
                requireEvidence(prototypes, report);
                return summary(prototypes, version, file, base);
            } finally {
                Files.deleteIfExists(copy);
            }
        } catch (InvalidPrototypeFileException | InvalidSafetensorsException e) {
            throw invalid("the prototype file cannot be read: " + e.getMessage());
        } catch (IOException e) {
            throw new UncheckedIOException("the prototype file could not be copied to disk", e);
        }
    }

    private static void requirePlace(AdapterVersion version, PrototypeFileRef file) throws UnusablePrototypesException {
        String alone =
                ObjectKey.prototypes(version.digest().hex(), file.algorithm()).value();
        String folder = alone.substring(0, alone.lastIndexOf('.')) + "/";
        if (!ObjectKey.isKey(file.key())
                || !(file.key().equals(alone) || file.key().startsWith(folder))) {
            throw invalid("the prototype file must lie at " + alone + " or under " + folder + ", not at " + file.key());
        }
    }

    private static void requireEvidence(PrototypeFile prototypes, @Nullable EvidenceReport report)
            throws UnusablePrototypesException {
        if (report == null || report.failureCode() != null) {
            return;
        }
        boolean carried = prototypes
                .evidence()
                .filter(evidence ->
                        evidence.calibrationDigest().equals(report.calibration().toString()))
                .isPresent();
        int examples = prototypes.examples().map(ExampleCentroids::examples).orElse(0);
        if (!carried || examples != report.exampleCount()) {
            throw invalid("the prototype file should carry evidence against " + report.calibration() + " with "
                    + report.exampleCount() + " examples, but does not");
        }
    }

    private void download(ObjectKey key, PrototypeFileRef file, Path copy)
            throws IOException, UnusablePrototypesException {
        try (InputStream object = store.get(key);
                OutputStream out = Files.newOutputStream(copy)) {
            HashingInputStream hashed =
                    new HashingInputStream(key.value(), object, file.sizeBytes(), (bytes, offset, length) -> {});
            copy(hashed, out);
            Digest digest = hashed.digest();
            if (hashed.sizeBytes() != file.sizeBytes() || !digest.equals(file.digest())) {
                throw new UnusablePrototypesException(
                        "prototype_file_digest_mismatch",
                        "the prototype file was announced as " + file.digest() + " but is " + digest);
            }
        } catch (ObjectNotFoundException e) {
            throw new UnusablePrototypesException(
                    "prototype_file_missing", "the worker announced a prototype file, but none lies at " + key);
        } catch (RegistryException e) {
            throw new UnusablePrototypesException(
                    "prototype_file_digest_mismatch", "the prototype file is longer than announced");
        }
    }

    /** A store that breaks off is worth another try, so it is told apart from our own disk. */
    private static void copy(InputStream in, OutputStream out) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        int length;
        while ((length = read(in, buffer)) >= 0) {
            out.write(buffer, 0, length);
        }
    }

    private static int read(InputStream in, byte[] buffer) {
        try {
            return in.read(buffer);
        } catch (IOException e) {
            throw new ObjectStoreException("the prototype file broke off while it was read", e);
        }
    }

    private static List<ModuleSummary> summary(
            PrototypeFile prototypes, AdapterVersion version, PrototypeFileRef file, BaseModules base)
            throws UnusablePrototypesException {
        if (!prototypes.algorithm().equals(file.algorithm())
                || !prototypes.adapterDigest().equals(version.digest().toString())) {
            throw invalid("the prototype file is of " + prototypes.adapterDigest() + " by " + prototypes.algorithm());
        }
        List<ModuleSummary> modules = new ArrayList<>();
        for (ModulePrototype prototype : prototypes.prototypes()) {
            LinearShape shape = base.find(prototype.module())
                    .filter(found -> found.in() == prototype.vector().length)
                    .orElseThrow(() -> invalid("module " + prototype.module() + " with " + prototype.vector().length
                            + " inputs is none of the base model "
                            + version.base().name()));
            modules.add(new ModuleSummary(
                    prototype.module(),
                    shape.in(),
                    shape.out(),
                    prototype.rank(),
                    prototype.scaling(),
                    prototype.sigma()[0],
                    prototype.sigmaRatio()));
        }
        return modules;
    }

    private static UnusablePrototypesException invalid(String message) {
        return new UnusablePrototypesException("prototype_file_invalid", message);
    }
}
