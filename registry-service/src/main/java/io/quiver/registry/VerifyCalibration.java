package io.quiver.registry;

import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectNotFoundException;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreException;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Optional;

/** Reads a worker's calibration back from the object store: at its place, of the announced size and digest. Thread-safe. */
final class VerifyCalibration {
    private static final int BUFFER_BYTES = 1 << 16;

    private final ObjectStore store;
    private final long bytesMax;

    /** @param bytesMax the largest that is taken */
    VerifyCalibration(ObjectStore store, long bytesMax) {
        this.store = store;
        this.bytesMax = bytesMax;
    }

    /**
     * Returns why it cannot be used, if it cannot.
     *
     * @throws ObjectStoreException if the store cannot be reached; worth trying again
     */
    Optional<Failure> verify(BaseModelRef base, CalibrationRef calibration, Instant now) {
        String prefix = ObjectKey.calibrations(base.digest().hex(), calibration.algorithm());
        if (!ObjectKey.isKey(calibration.key())
                || !calibration.key().startsWith(prefix)
                || !calibration.key().endsWith("/" + calibration.digest().hex() + ".safetensors")) {
            return failure(
                    "calibration_invalid",
                    "a calibration of " + base.name() + " with " + calibration.digest() + " must lie under " + prefix
                            + ", not at " + calibration.key(),
                    now);
        }
        if (calibration.sizeBytes() > bytesMax) {
            return failure(
                    "calibration_invalid",
                    "the calibration has " + calibration.sizeBytes() + " bytes, at most " + bytesMax + " are taken",
                    now);
        }
        try {
            Digest found = digest(new ObjectKey(calibration.key()), calibration.sizeBytes());
            return found.equals(calibration.digest())
                    ? Optional.empty()
                    : failure(
                            "calibration_digest_mismatch",
                            "the calibration was announced as " + calibration.digest() + " with "
                                    + calibration.sizeBytes() + " bytes, but is " + found,
                            now);
        } catch (ObjectNotFoundException e) {
            return failure(
                    "calibration_missing",
                    "the worker announced a calibration, but none lies at " + calibration.key(),
                    now);
        }
    }

    /** Of the object, as far as one buffer beyond its announced size. */
    private Digest digest(ObjectKey key, long sizeBytes) {
        MessageDigest sha256 = Digest.sha256();
        try (InputStream in = store.get(key)) {
            byte[] buffer = new byte[BUFFER_BYTES];
            long count = 0;
            for (int n = in.read(buffer); n >= 0 && count <= sizeBytes; n = in.read(buffer)) {
                sha256.update(buffer, 0, n);
                count += n;
            }
            return Digest.of(sha256);
        } catch (IOException e) {
            throw new ObjectStoreException("the calibration broke off while it was read", e);
        }
    }

    private static Optional<Failure> failure(String code, String message, Instant now) {
        return Optional.of(new Failure(code, message, null, now));
    }
}
