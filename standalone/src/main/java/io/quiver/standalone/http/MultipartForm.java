package io.quiver.standalone.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/** A {@code multipart/form-data} body held in memory: for the few megabytes of a bundled model. */
public final class MultipartForm {
    private final String boundary = "quiver-" + UUID.randomUUID();
    private final ByteArrayOutputStream parts = new ByteArrayOutputStream();

    public MultipartForm text(String name, String value) {
        return part("name=\"" + name + "\"", "text/plain; charset=utf-8", value.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds a file; the part is named as the file is. */
    public MultipartForm file(Path file) throws IOException {
        String name = String.valueOf(file.getFileName());
        return part(
                "name=\"" + name + "\"; filename=\"" + name + "\"",
                "application/octet-stream",
                Files.readAllBytes(file));
    }

    String contentType() {
        return "multipart/form-data; boundary=" + boundary;
    }

    byte[] body() {
        var body = new ByteArrayOutputStream();
        body.writeBytes(parts.toByteArray());
        body.writeBytes(("--" + boundary + "--\r\n").getBytes(StandardCharsets.UTF_8));
        return body.toByteArray();
    }

    private MultipartForm part(String disposition, String contentType, byte[] content) {
        parts.writeBytes(("--" + boundary + "\r\nContent-Disposition: form-data; " + disposition + "\r\nContent-Type: "
                        + contentType + "\r\n\r\n")
                .getBytes(StandardCharsets.UTF_8));
        parts.writeBytes(content);
        parts.writeBytes("\r\n".getBytes(StandardCharsets.UTF_8));
        return this;
    }
}
