package io.quiver.lora.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class Float16Test {
    @Test
    void every_binary16_number_survives_the_way_through_a_float() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float value = Elements.float16((short) bits);
            if (!Float.isNaN(value)) {
                assertThat(Elements.toFloat16(value)).isEqualTo((short) bits);
            }
        }
        assertThat(Elements.float16(Elements.toFloat16(Float.NaN))).isNaN();
    }

    @Test
    void what_lies_between_two_numbers_becomes_the_nearer_one_or_the_even_one() {
        for (int bits = 0; bits < 0x7bff; bits++) {
            float below = Elements.float16((short) bits);
            float above = Elements.float16((short) (bits + 1));
            float middle = (below + above) / 2;
            int even = bits % 2 == 0 ? bits : bits + 1;
            assertThat(Elements.toFloat16(middle)).isEqualTo((short) even);
            assertThat(Elements.toFloat16(Math.nextDown(middle))).isEqualTo((short) bits);
            assertThat(Elements.toFloat16(Math.nextUp(middle))).isEqualTo((short) (bits + 1));
            assertThat(Elements.toFloat16(-Math.nextUp(middle))).isEqualTo((short) (bits + 1 | 0x8000));
        }
    }

    @Test
    void what_is_too_large_becomes_infinite() {
        assertThat(Elements.float16(Elements.toFloat16(Math.nextDown(65520f)))).isEqualTo(65504f);
        assertThat(Elements.float16(Elements.toFloat16(65520f))).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(Elements.float16(Elements.toFloat16(-1e9f))).isEqualTo(Float.NEGATIVE_INFINITY);
    }
}
