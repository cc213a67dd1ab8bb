package io.quiver.registry;

import java.util.List;

/** What of the workers' files the registry refers to, or may come to refer to without asking for it anew. */
public interface FileReferences {
    /**
     * Leaves out the files that something needs: those of the catalogue, and those that a worker was asked for and may have stored
     * or found, whether it has said so or not.
     */
    List<MeasuredFile> unreferenced(List<MeasuredFile> files);

    /**
     * Keeps everybody from beginning to need a file until the end of the transaction. Returns false, soon, if others write for too
     * long; then nobody is kept.
     */
    boolean lock();
}
