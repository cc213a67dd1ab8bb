package io.quiver.decoder.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The 256 printable characters by which byte-level BPE writes bytes: a byte that is printable in Latin-1 stands for
 * itself, the others are numbered from U+0100 in their order. Source: Radford et al. 2019 (GPT-2), {@code bytes_to_unicode}.
 */
final class ByteLevelAlphabet {
    private static final int BYTES = 256;
    private static final int NONE = -1;
    private static final int[] BYTE_OF = new int[2 * BYTES]; // (characters)

    static {
        Arrays.fill(BYTE_OF, NONE);
        int next = BYTES;
        for (int value = 0; value < BYTES; value++) {
            BYTE_OF[printable(value) ? value : next++] = value;
        }
    }

    private ByteLevelAlphabet() {}

    private static boolean printable(int value) {
        return (value >= '!' && value <= '~') || (value >= 0xA1 && value <= 0xAC) || (value >= 0xAE && value <= 0xFF);
    }

    /**
     * The bytes that a piece of the vocabulary stands for. A piece with a character outside of the alphabet, as added
     * tokens have, stands for its own UTF-8.
     */
    static byte[] bytes(String piece) {
        byte[] bytes = new byte[piece.length()];
        for (int i = 0; i < bytes.length; i++) {
            char character = piece.charAt(i);
            int value = character < BYTE_OF.length ? BYTE_OF[character] : NONE;
            if (value == NONE) {
                return piece.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = (byte) value;
        }
        return bytes;
    }
}
