package io.quiver.router;

import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Names;

/** How a caller names an expert: {@code ns/name}, {@code ns/name:3}, {@code ns/name@alias} or {@code sha256:<hex>}. */
public sealed interface Reference {
    /** The newest ready version of an adapter. */
    record Latest(AdapterName adapter) implements Reference {}

    /** One version of an adapter, by its number. */
    record Numbered(AdapterName adapter, int version) implements Reference {}

    /** The version that an alias of the adapter stands for. */
    record Aliased(AdapterName adapter, String alias) implements Reference {
        public Aliased {
            Names.require(alias, "alias");
        }
    }

    /** Content, under whatever name. */
    record ByDigest(Digest digest) implements Reference {}

    /**
     * Reads a reference.
     *
     * @throws IllegalArgumentException if the text is none of the four forms
     */
    static Reference parse(String text) {
        if (text.startsWith(Digest.PREFIX)) {
            return new ByDigest(Digest.parse(text));
        }
        int at = text.indexOf('@');
        if (at >= 0) {
            String alias = text.substring(at + 1);
            AdapterName adapter = AdapterName.parse(text.substring(0, at));
            return alias.equals("latest") ? new Latest(adapter) : new Aliased(adapter, alias);
        }
        int colon = text.indexOf(':');
        if (colon < 0) {
            return new Latest(AdapterName.parse(text));
        }
        String number = text.substring(colon + 1);
        AdapterName adapter = AdapterName.parse(text.substring(0, colon));
        if (number.equals("latest")) {
            return new Latest(adapter);
        }
        if (!number.matches("[1-9][0-9]{0,8}")) {
            throw new IllegalArgumentException("a version is a number from 1, but is '" + number + "'");
        }
        return new Numbered(adapter, Integer.parseInt(number));
    }
}
