package io.quiver.schemas;

/** The base model that an adapter belongs to: its registered name and the digest of its files. */
public record BaseModelRef(String name, Digest digest) {
    public BaseModelRef {
        Names.require(name, "base model name");
    }
}
