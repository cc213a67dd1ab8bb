package io.quiver.decoder;

/** A base model that this decoder cannot compute exactly, refused with the field or tensor that says so. */
public final class UnsupportedModelException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final String where;

    /**
     * @param where field of config.json, tensor or file
     * @param reason what was found there and what is supported
     */
    public UnsupportedModelException(String where, String reason) {
        super(where + ": " + reason);
        this.where = where;
    }

    /** The field of config.json, the tensor or the file concerned. */
    public String where() {
        return where;
    }
}
