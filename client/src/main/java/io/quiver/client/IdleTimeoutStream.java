package io.quiver.client;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A stream that is broken off when nothing has come for some time: the other side sends heartbeats, so silence means that it
 * is gone, although the connection may look alive for hours. Read by one thread; closed by any.
 */
public final class IdleTimeoutStream extends FilterInputStream {
    private final Duration limit;
    private volatile long heardNanos = System.nanoTime();
    private volatile boolean closed;
    private volatile boolean silent;

    public IdleTimeoutStream(InputStream in, Duration limit) {
        super(in);
        this.limit = limit;
        lookAfter(limit.toNanos());
    }

    @Override
    public int read() throws IOException {
        int read = super.read();
        heard();
        return read;
    }

    /** @throws IOException also if nothing came for longer than the limit */
    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        int read = super.read(bytes, offset, length);
        heard();
        return read;
    }

    @Override
    public void close() throws IOException {
        closed = true;
        super.close();
    }

    private void heard() throws IOException {
        if (silent) {
            throw new IOException("nothing came for " + limit.toMillis() + " ms");
        }
        heardNanos = System.nanoTime();
    }

    private void lookAfter(long delayNanos) {
        CompletableFuture.delayedExecutor(delayNanos, TimeUnit.NANOSECONDS).execute(this::look);
    }

    private void look() {
        if (closed) {
            return;
        }
        long leftNanos = limit.toNanos() - (System.nanoTime() - heardNanos);
        if (leftNanos > 0) {
            lookAfter(leftNanos);
            return;
        }
        silent = true;
        try {
            close();
        } catch (IOException e) {
            // The reader hears of it at its next read.
            return;
        }
    }
}
