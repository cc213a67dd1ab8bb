package io.quiver.objectstore;

import java.util.Optional;
import java.util.regex.Pattern;

/** Where an object lies. Keys are made from digests and ids, never from names that a caller chose. */
public record ObjectKey(String value) {
    private static final Pattern SAFE = Pattern.compile("[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*");
    private static final int LENGTH_MAX = 512;

    public ObjectKey {
        if (!isKey(value)) {
            throw new IllegalArgumentException("not an object key: '" + value + "'");
        }
    }

    /** Says whether the text has the form of a key. */
    public static boolean isKey(String text) {
        return text.length() <= LENGTH_MAX && SAFE.matcher(text).matches();
    }

    /** {@code blobs/sha256/<first two digits>/<hex>}: a file under its own digest. */
    public static ObjectKey blob(String hex) {
        return new ObjectKey("blobs/sha256/" + hex.substring(0, 2) + "/" + hex);
    }

    /** {@code prototypes/<adapter digest's hex>/<algorithm>.safetensors}. */
    public static ObjectKey prototypes(String adapterHex, String algorithm) {
        return new ObjectKey("prototypes/" + adapterHex + "/" + algorithm + ".safetensors");
    }

    /**
     * {@code prototypes/<adapter digest's hex>/<algorithm>/<calibration digest's hex>[-<examples digest's hex>].safetensors}:
     * prototypes together with evidence, which depends on those.
     *
     * @param examplesHex of the adapter's examples, if it has some
     */
    public static ObjectKey prototypesWithEvidence(
            String adapterHex, String algorithm, String calibrationHex, Optional<String> examplesHex) {
        return new ObjectKey("prototypes/" + adapterHex + "/" + algorithm + "/" + calibrationHex
                + examplesHex.map(hex -> "-" + hex).orElse("") + ".safetensors");
    }

    /**
     * {@code calibrations/<base model digest's hex>/<algorithm>/<seed>/<digest's hex>.safetensors}: a base model's calibration
     * under its own digest, found by what it was computed from.
     */
    public static ObjectKey calibration(String baseHex, String algorithm, long seed, String hex) {
        return new ObjectKey(calibrations(baseHex, algorithm) + seed + "/" + hex + ".safetensors");
    }

    /** What the keys of all calibrations of a base model by an algorithm begin with. */
    public static String calibrations(String baseHex, String algorithm) {
        return "calibrations/" + baseHex + "/" + algorithm + "/";
    }

    /** {@code uploads/<upload id>/<n>}: bytes whose digest is not known yet; swept when they are left behind. */
    public static ObjectKey upload(String uploadId, int n) {
        return new ObjectKey("uploads/" + uploadId + "/" + n);
    }

    @Override
    public String toString() {
        return value;
    }
}
