package io.quiver.lora.safetensors;

import java.util.List;

/**
 * Where one tensor lies in a safetensors file and what it is.
 *
 * @param shape sizes along the axes, row-major order; empty for a single number
 * @param beginBytes first byte, counted from the start of the data
 * @param endBytes byte after the last one, counted from the start of the data
 */
public record TensorInfo(String name, DType dtype, List<Long> shape, long beginBytes, long endBytes) {
    public TensorInfo {
        shape = List.copyOf(shape);
        if (beginBytes < 0 || endBytes < beginBytes) {
            throw new IllegalArgumentException("tensor " + name + " ends before it begins");
        }
        if (endBytes - beginBytes != Math.multiplyExact(count(shape), dtype.elementBytes())) {
            throw new IllegalArgumentException("tensor " + name + " does not fill its bytes");
        }
    }

    /** Number of elements. */
    public long elements() {
        return count(shape);
    }

    public long sizeBytes() {
        return endBytes - beginBytes;
    }

    /** Number of axes. */
    public int axes() {
        return shape.size();
    }

    /**
     * Product of the sizes.
     *
     * @throws ArithmeticException if it does not fit a long
     * @throws IllegalArgumentException if a size is negative
     */
    static long count(List<Long> shape) {
        long product = 1;
        boolean empty = false;
        for (long size : shape) {
            if (size < 0) {
                throw new IllegalArgumentException("a size is negative: " + shape);
            }
            if (size == 0) {
                empty = true;
            } else {
                product = Math.multiplyExact(product, size);
            }
        }
        return empty ? 0 : product;
    }
}
