package io.quiver.embedded;

/** A server that was started by, and stops with, this program. */
public interface EmbeddedServer extends AutoCloseable {
    /** Stops within seconds; closing twice does nothing. */
    @Override
    void close();
}
