package io.quiver.schemas;

/**
 * The first bytes of a calibration, which hold all that a router reads of it.
 *
 * @param sizeBytes how many there are
 * @param digest of these bytes alone
 */
public record RoutingPart(long sizeBytes, Digest digest) {
    public RoutingPart {
        if (sizeBytes < 1) {
            throw new IllegalArgumentException("sizeBytes must be positive, but is " + sizeBytes);
        }
    }
}
