package io.quiver.objectstore;

/** There is no object under that key. */
public final class ObjectNotFoundException extends ObjectStoreException {
    private static final long serialVersionUID = 1L;

    public ObjectNotFoundException(ObjectKey key) {
        super("no object " + key, null);
    }
}
