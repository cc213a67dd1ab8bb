package io.quiver.lora.safetensors;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Conversions between a tensor's little-endian bytes and Java's numbers. */
final class Elements {
    static final VarHandle SHORTS = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private Elements() {}

    /** The value of an IEEE 754 binary16 number. */
    static float float16(short bits) {
        int sign = (bits & 0x8000) << 16;
        int exponent = (bits >> 10) & 0x1f;
        int fraction = bits & 0x3ff;
        if (exponent == 0x1f) {
            return Float.intBitsToFloat(sign | 0x7f800000 | fraction << 13);
        }
        if (exponent == 0) {
            float magnitude = fraction * 0x1p-24f;
            return sign == 0 ? magnitude : -magnitude;
        }
        return Float.intBitsToFloat(sign | (exponent + 112) << 23 | fraction << 13);
    }

    /** The nearest IEEE 754 binary16 number, of two equally near ones the even one; infinite from 65520 on. */
    static short toFloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = bits >>> 16 & 0x8000;
        float magnitude = Math.abs(value);
        if (!(magnitude < 65520f)) {
            return (short) (sign | (Float.isNaN(value) ? 0x7e00 : 0x7c00));
        }
        if (magnitude < 0x1p-14f) {
            // Subnormal: a whole number of the least step, 2⁻²⁴.
            return (short) (sign | (int) Math.rint(magnitude * 0x1p24));
        }
        int exponentAndFraction = (bits & 0x7fffffff) - (112 << 23);
        int rounded = exponentAndFraction + 0xfff + (exponentAndFraction >>> 13 & 1);
        return (short) (sign | rounded >>> 13);
    }

    /** The value of a bfloat16 number: the upper half of a float. */
    static float bfloat16(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** @param bytes from its position to its limit, little-endian */
    static float[] floats(ByteBuffer bytes, DType dtype) { // (elements)
        float[] values = new float[bytes.remaining() / dtype.elementBytes()];
        int base = bytes.position();
        switch (dtype) {
            case F32 -> bytes.asFloatBuffer().get(values);
            case F16 -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] = float16(bytes.getShort(base + 2 * i));
                }
            }
            case BF16 -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] = bfloat16(bytes.getShort(base + 2 * i));
                }
            }
            case F64 -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) bytes.getDouble(base + 8 * i);
                }
            }
            default -> throw new IllegalArgumentException(dtype + " cannot be read as numbers");
        }
        return values;
    }

    /** @param bytes from its position to its limit, little-endian */
    static double[] doubles(ByteBuffer bytes, DType dtype) { // (elements)
        double[] values = new double[bytes.remaining() / dtype.elementBytes()];
        if (dtype == DType.F64) {
            bytes.asDoubleBuffer().get(values);
            return values;
        }
        float[] floats = floats(bytes, dtype);
        for (int i = 0; i < values.length; i++) {
            values[i] = floats[i];
        }
        return values;
    }
}
