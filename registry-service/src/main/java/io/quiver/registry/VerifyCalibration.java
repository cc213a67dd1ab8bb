package io.quiver.registry;

import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectNotFoundException;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreException;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.RoutingPart;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Optional;

/**
 * Reads a worker's calibration back from the object store: at its place, of the announced size and digest, and so its
 * beginning that routers read. Thread-safe.
 */
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
            Found found = read(new ObjectKey(calibration.key()), calibration);
            if (!found.whole().equals(calibration.digest())) {
                return failure(
                        "calibration_digest_mismatch",
                        "the calibration was announced as " + calibration.digest() + " with " + calibration.sizeBytes()
                                + " bytes, but is " + found.whole(),
                        now);
            }
            RoutingPart announced = calibration.routingPart();
            if (announced != null && !announced.digest().equals(found.beginning())) {
                return failure(
                        "calibration_digest_mismatch",
                        "the first " + announced.sizeBytes() + " bytes of the calibration were announced as "
                                + announced.digest() + ", but are " + found.beginning(),
                        now);
            }
            return Optional.empty();
        } catch (ObjectNotFoundException e) {
            return failure(
                    "calibration_missing",
                    "the worker announced a calibration, but none lies at " + calibration.key(),
                    now);
        }
    }

    /** @param beginning digest of as many bytes as are announced for routers */
    private record Found(Digest whole, Digest beginning) {}

    /** Reads as far as one buffer beyond the announced size. */
    private Found read(ObjectKey key, CalibrationRef announced) {
        MessageDigest whole = Digest.sha256();
        MessageDigest beginning = Digest.sha256();
        long left =
                announced.routingPart() == null ? 0 : announced.routingPart().sizeBytes();
        try (InputStream in = store.get(key)) {
            byte[] buffer = new byte[BUFFER_BYTES];
            long count = 0;
            for (int n = in.read(buffer); n >= 0 && count <= announced.sizeBytes(); n = in.read(buffer)) {
                whole.update(buffer, 0, n);
                int first = (int) Math.min(n, left);
                beginning.update(buffer, 0, first);
                left -= first;
                count += n;
            }
            return new Found(Digest.of(whole), Digest.of(beginning));
        } catch (IOException e) {
            throw new ObjectStoreException("the calibration broke off while it was read", e);
        }
    }

    private static Optional<Failure> failure(String code, String message, Instant now) {
        return Optional.of(new Failure(code, message, null, now));
    }
}
