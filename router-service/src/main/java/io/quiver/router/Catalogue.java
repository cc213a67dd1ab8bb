package io.quiver.router;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * What can be served now. One thread changes it, any thread reads it: readers get whole snapshots, never a half-applied
 * change. It is ready once everything that was there when the router started has been read.
 */
public final class Catalogue {
    private final List<Consumer<CatalogueSnapshot>> followers = new CopyOnWriteArrayList<>();
    private volatile CatalogueSnapshot snapshot = CatalogueSnapshot.EMPTY;
    private volatile boolean ready;

    public CatalogueSnapshot snapshot() {
        return snapshot;
    }

    public boolean isReady() {
        return ready;
    }

    /** Applies changes in their order and tells the followers. */
    public void apply(List<CatalogueChange> changes) {
        if (changes.isEmpty()) {
            return;
        }
        snapshot = snapshot.with(changes);
        followers.forEach(follower -> follower.accept(snapshot));
    }

    public void markReady() {
        ready = true;
    }

    /** Calls the follower after every change, on the thread that made it; it must be quick. */
    public void follow(Consumer<CatalogueSnapshot> follower) {
        followers.add(follower);
    }
}
