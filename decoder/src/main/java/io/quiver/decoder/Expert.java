package io.quiver.decoder;

/** An expert that is resident in a decoder: a slot in its pools. Valid until it is evicted. */
public interface Expert {
    /** The digest of the adapter, {@code sha256:…}: what identifies the expert. */
    String digest();

    /** Bytes that its tensors take in the pools. */
    long residentBytes();

    /** Whether it brought gate vectors, so that {@link Gate.Phatgoose} can choose it. */
    boolean hasGateVectors();
}
