package io.quiver.decoder.text;

/**
 * Decodes UTF-8 that comes in pieces. A sequence that can be no character becomes one U+FFFD for its longest valid
 * beginning, and one for every other byte, as the Unicode standard recommends (§3.9, "substitution of maximal subparts")
 * and as the reference tokenizers do; Java's own decoder counts some of them differently.
 */
final class Utf8Stream {
    private static final char REPLACEMENT = '\uFFFD';

    /** The character so far, and how many of its bytes are still to come. */
    private int point;

    private int missing;
    /** What the next byte must lie between, inclusive. */
    private int lower;

    private int upper;

    /** Takes bytes; returns the characters that are complete by them. */
    String push(byte[] bytes) {
        StringBuilder out = new StringBuilder(bytes.length);
        for (byte b : bytes) {
            push(b & 0xFF, out);
        }
        return out.toString();
    }

    /** Ends the text: an incomplete character is replaced. */
    String finish() {
        boolean incomplete = missing > 0;
        missing = 0;
        return incomplete ? String.valueOf(REPLACEMENT) : "";
    }

    private void push(int value, StringBuilder out) {
        if (missing == 0) {
            begin(value, out);
        } else if (value < lower || value > upper) {
            missing = 0;
            out.append(REPLACEMENT);
            begin(value, out);
        } else {
            point = point << 6 | value & 0x3F;
            lower = 0x80;
            upper = 0xBF;
            if (--missing == 0) {
                out.appendCodePoint(point);
            }
        }
    }

    private void begin(int value, StringBuilder out) {
        lower = 0x80;
        upper = 0xBF;
        if (value < 0x80) {
            out.append((char) value);
        } else if (value >= 0xC2 && value <= 0xDF) {
            point = value & 0x1F;
            missing = 1;
        } else if (value >= 0xE0 && value <= 0xEF) {
            point = value & 0x0F;
            missing = 2;
            // No overlong forms, no surrogates.
            lower = value == 0xE0 ? 0xA0 : lower;
            upper = value == 0xED ? 0x9F : upper;
        } else if (value >= 0xF0 && value <= 0xF4) {
            point = value & 0x07;
            missing = 3;
            // No overlong forms, nothing above U+10FFFF.
            lower = value == 0xF0 ? 0x90 : lower;
            upper = value == 0xF4 ? 0x8F : upper;
        } else {
            out.append(REPLACEMENT);
        }
    }
}
