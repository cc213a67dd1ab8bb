package io.quiver.objectstore;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Streams that behave as those of the world do. */
final class Sources {
    private Sources() {}

    /** A stream that gives less than it is asked for, as a network does. */
    static InputStream dribbling(byte[] content) {
        return new FilterInputStream(new ByteArrayInputStream(content)) {
            @Override
            public int read(byte[] into, int offset, int length) throws IOException {
                return super.read(into, offset, Math.min(length, 4_099));
            }
        };
    }

    /** A stream whose first read fails. */
    @SuppressWarnings("InputStreamSlowMultibyteRead") // no read gets that far
    static InputStream failing(Exception failure) {
        return new InputStream() {
            @Override
            public int read() throws IOException {
                if (failure instanceof IOException io) {
                    throw io;
                }
                throw (RuntimeException) failure;
            }
        };
    }
}
