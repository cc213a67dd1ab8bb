package io.quiver.registry;

import io.quiver.objectstore.ObjectKey;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A file in the object store that a worker made of what was uploaded: a calibration, prototypes, or prototypes with evidence.
 *
 * @param owner hexadecimal digits of the digest of the base model or the adapter that it was made of
 * @param stem what it depends on beside its owner: a calibration's own digest, or those of the calibration and the examples that
 *     evidence was measured with, {@code <hex>[-<hex>]}; empty for prototypes alone
 */
public record MeasuredFile(ObjectKey key, Kind kind, String owner, String stem) {
    /** Where such files lie, and what they are. */
    public enum Kind {
        CALIBRATION("calibrations/", "calibrations/(%1$s)/[^/]+/[0-9]+/(%1$s)\\.safetensors"),
        PROTOTYPES("prototypes/", "prototypes/(%1$s)/[^/]+?(?:/(%1$s(?:-%1$s)?))?\\.safetensors");

        private final String prefix;
        private final Pattern pattern;

        Kind(String prefix, String pattern) {
            this.prefix = prefix;
            this.pattern = Pattern.compile(pattern.formatted("[0-9a-f]{64}"));
        }

        /** What the keys of all such files begin with. */
        String prefix() {
            return prefix;
        }
    }

    /** What a key of this kind says; empty if no worker makes such keys. */
    static Optional<MeasuredFile> of(Kind kind, ObjectKey key) {
        Matcher matcher = kind.pattern.matcher(key.value());
        return matcher.matches()
                ? Optional.of(
                        new MeasuredFile(key, kind, matcher.group(1), matcher.group(2) == null ? "" : matcher.group(2)))
                : Optional.empty();
    }
}
