package io.quiver.client.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * By which number a hub names a file's content.
 *
 * @param hex lower-case hexadecimal digits, as many as the algorithm gives
 */
public record Checksum(Algorithm algorithm, String hex) {
    private static final int BUFFER_BYTES = 1 << 16;

    /** How the number is computed. */
    public enum Algorithm {
        /** SHA-256 of the content: files that git keeps outside of itself (Git LFS). */
        SHA256("SHA-256", 64),
        /** SHA-1 of {@code "blob <size>\0"} and the content: files inside git. */
        GIT_BLOB("SHA-1", 40);

        private final String digest;
        private final int digits;

        Algorithm(String digest, int digits) {
            this.digest = digest;
            this.digits = digits;
        }
    }

    public Checksum {
        if (!hex.matches("[0-9a-f]{" + algorithm.digits + "}")) {
            throw new IllegalArgumentException(
                    algorithm + " has " + algorithm.digits + " hexadecimal digits, but this is '" + hex + "'");
        }
    }

    /** Computes the checksum of a file's content; {@code IOException} if it cannot be read. */
    public static Checksum of(Algorithm algorithm, Path file) throws IOException {
        MessageDigest digest = digest(algorithm);
        if (algorithm == Algorithm.GIT_BLOB) {
            digest.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.US_ASCII));
        }
        byte[] buffer = new byte[BUFFER_BYTES]; // (BUFFER_BYTES)
        try (InputStream in = Files.newInputStream(file)) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
            }
        }
        return new Checksum(algorithm, HexFormat.of().formatHex(digest.digest()));
    }

    private static MessageDigest digest(Algorithm algorithm) {
        try {
            return MessageDigest.getInstance(algorithm.digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has " + algorithm.digest, e);
        }
    }

    @Override
    public String toString() {
        return algorithm.digest + " " + hex;
    }
}
