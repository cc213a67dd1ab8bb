package io.quiver.schemas;

/**
 * A file of an adapter or a base model as it lies in the object store, under {@code blobs/sha256/<first two digits>/<hex>}.
 *
 * @param name the file's name in its folder, such as {@code adapter_model.safetensors}
 */
public record StoredFile(String name, Digest digest, long sizeBytes) {
    public StoredFile {
        if (sizeBytes < 0) {
            throw new IllegalArgumentException("sizeBytes must not be negative, but is " + sizeBytes);
        }
    }
}
