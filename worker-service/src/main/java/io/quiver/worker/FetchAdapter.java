package io.quiver.worker;

import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.objectstore.ContentMismatchException;
import io.quiver.objectstore.FetchObject;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.Digest;
import io.quiver.schemas.StoredFile;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;

/** Brings an adapter's files from the object store to the disk, and proves on the way that they are the uploaded ones. */
final class FetchAdapter {
    private final FetchObject fetchObject;
    private final Path tempDir;
    private final long weightsBytesMax;

    FetchAdapter(ObjectStore store, Path tempDir, long weightsBytesMax) {
        this.fetchObject = new FetchObject(store);
        this.tempDir = tempDir;
        this.weightsBytesMax = weightsBytesMax;
    }

    /**
     * Returns a folder with the adapter's two files; the caller closes it.
     *
     * @throws UnusableAdapterException if they are too large or not the uploaded ones
     * @throws io.quiver.objectstore.ObjectStoreException if the store failed; worth trying again
     * @throws UncheckedIOException if the connection or the disk failed; worth trying again
     */
    TemporaryFolder fetch(AdapterWork work) {
        StoredFile config = file(work, LoraAdapter.CONFIG_FILE, AdapterLimits.DEFAULT.configBytesMax());
        StoredFile weights = file(work, LoraAdapter.WEIGHTS_FILE, weightsBytesMax);
        Digest digest = Digest.ofFiles(Map.of(config.name(), config.digest(), weights.name(), weights.digest()));
        if (!digest.equals(work.digest())) {
            throw mismatch(
                    "its files together have the digest " + digest + ", but it was uploaded as " + work.digest());
        }
        TemporaryFolder folder = TemporaryFolder.in(tempDir);
        try {
            fetch(config, folder.file(config.name()));
            fetch(weights, folder.file(weights.name()));
            return folder;
        } catch (RuntimeException | Error e) {
            folder.close();
            throw e;
        }
    }

    private static StoredFile file(AdapterWork work, String name, long bytesMax) {
        StoredFile file = work.files().stream()
                .filter(stored -> stored.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new UnusableAdapterException(
                        FailureCode.UNREADABLE_ADAPTER, "the version has no file " + name, null));
        if (file.sizeBytes() > bytesMax) {
            throw new UnusableAdapterException(
                    FailureCode.ADAPTER_TOO_LARGE,
                    name + " has " + file.sizeBytes() + " bytes, and workers take " + bytesMax
                            + " (setting quiver.worker.weights-size-max)",
                    null);
        }
        return file;
    }

    private void fetch(StoredFile file, Path target) {
        try {
            fetchObject.fetch(
                    ObjectKey.blob(file.digest().hex()),
                    file.sizeBytes(),
                    file.digest().hex(),
                    target);
        } catch (ContentMismatchException e) {
            throw mismatch(file.name() + " is not what was uploaded: " + e.getMessage());
        }
    }

    private static UnusableAdapterException mismatch(String message) {
        return new UnusableAdapterException(FailureCode.DIGEST_MISMATCH, message, null);
    }
}
