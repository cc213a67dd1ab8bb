package io.quiver.registry;

import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/** The parts of an upload, one after the other, as they come over the wire. */
public interface UploadParts {
    /**
     * A part whose bytes have not been read yet. What {@code content} cannot deliver is a {@link RegistryException} with
     * {@code upload_broken_off}.
     *
     * @param name the file's name, or the field's if it is no file
     */
    record Part(String name, InputStream content) {}

    /** The next part, or null after the last. What is left of the part before is skipped. */
    @Nullable
    Part next();
}
