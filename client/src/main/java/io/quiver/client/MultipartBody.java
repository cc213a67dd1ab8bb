package io.quiver.client;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.LongConsumer;

/** A {@code multipart/form-data} body whose files are read while they are sent: no file is ever held in memory. */
public final class MultipartBody {
    private final String boundary;
    private final List<Part> parts = new ArrayList<>();

    /** @param boundary must not occur in the content: a random UUID */
    public MultipartBody(String boundary) {
        this.boundary = boundary;
    }

    public MultipartBody text(String name, String value) {
        byte[] content = value.getBytes(StandardCharsets.UTF_8);
        parts.add(new Part(
                header(name, "", "text/plain; charset=utf-8"),
                content.length,
                () -> new ByteArrayInputStream(content)));
        return this;
    }

    /**
     * Adds a file under its own name.
     *
     * @throws IOException if its size cannot be read
     */
    public MultipartBody file(Path file) throws IOException {
        String name = String.valueOf(file.getFileName());
        parts.add(new Part(
                header(name, "; filename=\"" + quoted(name) + "\"", "application/octet-stream"),
                Files.size(file),
                () -> Files.newInputStream(file)));
        return this;
    }

    public String contentType() {
        return "multipart/form-data; boundary=" + boundary;
    }

    public long sizeBytes() {
        return parts.stream()
                        .mapToLong(part -> part.header.length + part.sizeBytes + 2)
                        .sum()
                + end().length;
    }

    /** @param sent is told of bytes as they go out */
    public BodyPublisher publisher(LongConsumer sent) {
        return BodyPublishers.fromPublisher(BodyPublishers.ofInputStream(() -> new Counted(open(), sent)), sizeBytes());
    }

    private InputStream open() {
        List<InputStream> streams = new ArrayList<>();
        for (Part part : parts) {
            streams.add(new ByteArrayInputStream(part.header));
            streams.add(new OpenedWhenRead(part.content));
            streams.add(new ByteArrayInputStream(new byte[] {'\r', '\n'}));
        }
        streams.add(new ByteArrayInputStream(end()));
        return new SequenceInputStream(Collections.enumeration(streams));
    }

    private byte[] header(String name, String filename, String contentType) {
        return ("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + quoted(name) + "\"" + filename
                        + "\r\nContent-Type: " + contentType + "\r\n\r\n")
                .getBytes(StandardCharsets.UTF_8);
    }

    private byte[] end() {
        return ("--" + boundary + "--\r\n").getBytes(StandardCharsets.UTF_8);
    }

    /** As the HTML standard quotes names in form data. */
    private static String quoted(String name) {
        return name.replace("\"", "%22").replace("\r", "%0D").replace("\n", "%0A");
    }

    private record Part(byte[] header, long sizeBytes, Content content) {}

    @FunctionalInterface
    private interface Content {
        InputStream open() throws IOException;
    }

    /** Opens its stream at the first read, so that one file is open at a time. */
    private static final class OpenedWhenRead extends InputStream {
        private final Content content;
        private InputStream stream = InputStream.nullInputStream();
        private boolean opened;

        OpenedWhenRead(Content content) {
            this.content = content;
        }

        @Override
        public int read() throws IOException {
            return stream().read();
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            return stream().read(bytes, offset, length);
        }

        @Override
        public void close() throws IOException {
            stream.close();
        }

        private InputStream stream() throws IOException {
            if (!opened) {
                stream = content.open();
                opened = true;
            }
            return stream;
        }
    }

    private static final class Counted extends FilterInputStream {
        private final LongConsumer sent;

        Counted(InputStream in, LongConsumer sent) {
            super(in);
            this.sent = sent;
        }

        @Override
        public int read() throws IOException {
            int read = super.read();
            if (read >= 0) {
                sent.accept(1);
            }
            return read;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = super.read(bytes, offset, length);
            if (read > 0) {
                sent.accept(read);
            }
            return read;
        }
    }
}
