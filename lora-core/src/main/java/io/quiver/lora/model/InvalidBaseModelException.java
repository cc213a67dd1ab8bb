package io.quiver.lora.model;

/** A base model's files do not fit together; the code is stable and part of public answers. */
public final class InvalidBaseModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** {@code model.safetensors.index.json} cannot be read. */
    public static final String INDEX_MALFORMED = "base_index_malformed";
    /** A file that the index names is missing, or a tensor is not in the file that the index says. */
    public static final String SHARDS_INCOMPLETE = "base_shards_incomplete";
    /** A tensor that config.json calls for is in no file. */
    public static final String TENSOR_MISSING = "base_tensor_missing";
    /** Two files hold a tensor of the same name. */
    public static final String DUPLICATE_TENSOR = "base_duplicate_tensor";
    /** A weight has an axis of size zero, one too large, or another shape than config.json says. */
    public static final String SHAPE_INVALID = "base_shape_invalid";
    /** config.json is no JSON object. */
    public static final String CONFIG_MALFORMED = "base_config_malformed";
    /** No linear layer was found. */
    public static final String NO_LINEAR_LAYERS = "base_no_linear_layers";
    /** The stored map of modules cannot be read. */
    public static final String MODULES_MALFORMED = "base_modules_malformed";

    private final String code;

    public InvalidBaseModelException(String code, String message) {
        super(message);
        this.code = code;
    }

    public String code() {
        return code;
    }
}
