package io.quiver.worker;

import io.quiver.lora.evidence.FitCalibration;
import io.quiver.lora.evidence.RoutingTensors;
import io.quiver.lora.safetensors.SafetensorsHeader;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.objectstore.ObjectKey;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.RoutingPart;
import java.io.IOException;
import java.io.InputStream;
import java.security.DigestInputStream;
import java.security.MessageDigest;

/**
 * What is said of the bytes of a calibration.
 *
 * @param whole of all of them
 * @param routingPart of those at the beginning that a router reads
 */
record CalibrationDigests(Digest whole, long sizeBytes, RoutingPart routingPart) {
    private static final int BUFFER_BYTES = 1 << 16;

    /**
     * Reads a calibration once, to its end.
     *
     * @throws io.quiver.lora.evidence.InvalidCalibrationFileException if it is another file
     * @throws io.quiver.lora.safetensors.InvalidSafetensorsException if it does not begin as a safetensors file
     */
    static CalibrationDigests of(InputStream in) throws IOException {
        MessageDigest sha256 = Digest.sha256();
        DigestInputStream digesting = new DigestInputStream(in, sha256);
        SafetensorsHeader header = SafetensorsHeader.read(digesting, SafetensorsLimits.ADAPTER);
        long partBytes = RoutingTensors.endBytes(header);
        long count = header.dataOffsetBytes();
        count += read(digesting, partBytes - count);
        Digest part = Digest.of(copy(sha256));
        count += read(digesting, Long.MAX_VALUE);
        return new CalibrationDigests(Digest.of(sha256), count, new RoutingPart(Math.min(count, partBytes), part));
    }

    /** How it is referred to where it lies. */
    CalibrationRef at(ObjectKey key) {
        return new CalibrationRef(FitCalibration.ALGORITHM, key.value(), whole, sizeBytes, routingPart);
    }

    /** Reads so many bytes, or to the end; returns how many there were. */
    private static long read(InputStream in, long bytesMax) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        long count = 0;
        int n = 0;
        while (n >= 0 && count < bytesMax) {
            n = in.read(buffer, 0, (int) Math.min(buffer.length, bytesMax - count));
            count += Math.max(0, n);
        }
        return count;
    }

    private static MessageDigest copy(MessageDigest digest) {
        try {
            return (MessageDigest) digest.clone();
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("Java's own SHA-256 can be copied", e);
        }
    }
}
