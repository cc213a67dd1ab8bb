package io.quiver.schemas;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** A SHA-256 digest, written {@code sha256:} and 64 hexadecimal digits: the identity of content. */
public record Digest(String hex) implements Comparable<Digest> {
    public static final String PREFIX = "sha256:";
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");

    public Digest {
        if (!HEX.matcher(hex).matches()) {
            throw new IllegalArgumentException(
                    "a digest is sha256: and 64 lower-case hexadecimal digits, but this is '" + hex + "'");
        }
    }

    /**
     * Parses {@code sha256:<hex>}.
     *
     * @throws IllegalArgumentException if it is not of that form
     */
    @JsonCreator
    public static Digest parse(String text) {
        if (!text.startsWith(PREFIX)) {
            throw new IllegalArgumentException("a digest starts with sha256:, but this is '" + text + "'");
        }
        return new Digest(text.substring(PREFIX.length()));
    }

    /** The digest that a finished SHA-256 computation holds; resets {@code sha256}. */
    public static Digest of(MessageDigest sha256) {
        return new Digest(HexFormat.of().formatHex(sha256.digest()));
    }

    public static Digest of(byte[] content) {
        return of(digestOf(content));
    }

    /**
     * The digest of a set of files: SHA-256 over the lines {@code <file name> <hex>\n} in the order of the names. The
     * same files under the same names have the same digest, in whatever order they came.
     */
    public static Digest ofFiles(Map<String, Digest> files) {
        SortedMap<String, Digest> sorted = new TreeMap<>(files);
        StringBuilder lines = new StringBuilder();
        sorted.forEach((name, digest) ->
                lines.append(name).append(' ').append(digest.hex()).append('\n'));
        return of(lines.toString().getBytes(StandardCharsets.UTF_8));
    }

    public static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static MessageDigest digestOf(byte[] content) {
        MessageDigest sha256 = sha256();
        sha256.update(content);
        return sha256;
    }

    /** The first twelve digits, for people. */
    public String abbreviated() {
        return hex.substring(0, 12);
    }

    @JsonValue
    @Override
    public String toString() {
        return PREFIX + hex;
    }

    @Override
    public int compareTo(Digest other) {
        return hex.compareTo(other.hex);
    }
}
