package io.quiver.lora.safetensors;

import java.util.Locale;

/** Every way in which a safetensors file can be broken; the code is stable and part of public answers. */
public enum DefectCode {
    /** The file ends before its header does. */
    TRUNCATED_HEADER,
    /** The header claims more bytes than the limit. */
    HEADER_TOO_LARGE,
    /** The header is not JSON of the form that the format prescribes. */
    MALFORMED_HEADER,
    /** One JSON object has the same key twice, other than a tensor's name. */
    DUPLICATE_KEY,
    /** Two tensors have one name. */
    DUPLICATE_TENSOR,
    /** More tensors than the limit. */
    TOO_MANY_TENSORS,
    /** More axes than the limit. */
    TOO_MANY_AXES,
    /** A name longer than the limit, empty, or with control characters. */
    INVALID_NAME,
    /** An element type that this program does not know. */
    UNKNOWN_DTYPE,
    /** A negative size, or more elements than can be counted. */
    INVALID_SHAPE,
    /** Offsets that are negative, reversed, or not as far apart as type and shape say. */
    OFFSET_MISMATCH,
    /** Two tensors share bytes. */
    OVERLAP,
    /** Bytes between tensors that belong to none. */
    HOLE,
    /** The file ends before its last tensor does. */
    TRUNCATED_DATA,
    /** The file goes on after its last tensor. */
    TRAILING_BYTES;

    /** Such as {@code safetensors_truncated_header}. */
    public String code() {
        return "safetensors_" + name().toLowerCase(Locale.ROOT);
    }
}
