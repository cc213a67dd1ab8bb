package io.quiver.worker;

import io.quiver.objectstore.ContentMismatchException;
import io.quiver.objectstore.FetchObject;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.BaseModelFiles;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.StoredFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Brings a base model's files from the object store to the disk, and proves on the way that they are the registered ones. */
final class FetchBase {
    private final FetchObject fetchObject;
    private final Path tempDir;
    private final long weightsBytesMax;

    /** @param weightsBytesMax of all files of weights together */
    FetchBase(ObjectStore store, Path tempDir, long weightsBytesMax) {
        this.fetchObject = new FetchObject(store);
        this.tempDir = tempDir;
        this.weightsBytesMax = weightsBytesMax;
    }

    /**
     * Returns a folder with the model's files; the caller closes it.
     *
     * @throws UnusableBaseException if they are too large or not the registered ones
     * @throws io.quiver.objectstore.ObjectStoreException if the store failed; worth trying again
     * @throws java.io.UncheckedIOException if the connection or the disk failed; worth trying again
     */
    TemporaryFolder fetch(BaseModelRef base, List<StoredFile> files) {
        check(base, files);
        TemporaryFolder folder = TemporaryFolder.in(tempDir);
        try {
            for (StoredFile file : files) {
                String hex = file.digest().hex();
                fetchObject.fetch(ObjectKey.blob(hex), file.sizeBytes(), hex, folder.file(file.name()));
            }
            return folder;
        } catch (ContentMismatchException e) {
            folder.close();
            throw mismatch("a file of " + base.name() + " is not what was registered: " + e.getMessage());
        } catch (RuntimeException | Error e) {
            folder.close();
            throw e;
        }
    }

    private void check(BaseModelRef base, List<StoredFile> files) {
        Map<String, Digest> digests = new TreeMap<>();
        long weightsBytes = 0;
        for (StoredFile file : files) {
            if (!BaseModelFiles.isPart(file.name())) {
                throw mismatch("'" + file.name() + "' is no file of a base model");
            }
            digests.put(file.name(), file.digest());
            weightsBytes += BaseModelFiles.isWeights(file.name()) ? file.sizeBytes() : 0;
        }
        Digest digest = Digest.ofFiles(digests);
        if (!digest.equals(base.digest())) {
            throw mismatch("the files together have the digest " + digest + ", but " + base.name()
                    + " was registered as " + base.digest());
        }
        if (weightsBytes > weightsBytesMax) {
            throw new UnusableBaseException(
                    FailureCode.BASE_MODEL_TOO_LARGE,
                    base.name() + " has " + weightsBytes + " bytes of weights, and this worker holds " + weightsBytesMax
                            + " (setting quiver.worker.base.size-max; without it, what the machine has beside the heap)");
        }
    }

    private static UnusableBaseException mismatch(String message) {
        return new UnusableBaseException(FailureCode.DIGEST_MISMATCH, message);
    }
}
