package io.quiver.lora.evidence;

import io.quiver.lora.safetensors.DType;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/** Reads tensors whose type and shape are known, and whose numbers are finite. */
record StrictTensors(SafetensorsFile file) {
    /** Elements of one tensor: what a Java array holds, and well below. */
    private static final long ELEMENTS_MAX = 1L << 30;

    /** @throws IllegalArgumentException if there is no such tensor, or it is another, or has a number that is not finite */
    double[] doubles(String name, DType dtype, long... shape) throws IOException { // (elements)
        check(name, dtype, shape);
        double[] values = file.doubles(name);
        for (double value : values) {
            if (!Double.isFinite(value)) {
                throw new IllegalArgumentException("the tensor " + name + " has an element that is not finite");
            }
        }
        return values;
    }

    /** @throws IllegalArgumentException as {@link #doubles} */
    float[] floats(String name, DType dtype, long... shape) throws IOException { // (elements)
        check(name, dtype, shape);
        float[] values = file.floats(name);
        for (float value : values) {
            if (!Float.isFinite(value)) {
                throw new IllegalArgumentException("the tensor " + name + " has an element that is not finite");
            }
        }
        return values;
    }

    /** Whole numbers that fit an int; @throws IllegalArgumentException as {@link #doubles} */
    int[] ints(String name, long elementsMax) throws IOException { // (elements)
        long elements = sizes(name, 1)[0];
        if (elements > elementsMax) {
            throw new IllegalArgumentException(
                    "the tensor " + name + " has " + elements + " elements, at most " + elementsMax + " are read");
        }
        check(name, DType.I64, elements);
        ByteBuffer bytes = file.bytes(name);
        int[] values = new int[(int) elements];
        for (int i = 0; i < values.length; i++) {
            long value = bytes.getLong(i * Long.BYTES);
            if (value != (int) value) {
                throw new IllegalArgumentException("the tensor " + name + " has the element " + value);
            }
            values[i] = (int) value;
        }
        return values;
    }

    boolean has(String name) {
        return file.header().find(name).isPresent();
    }

    /** The sizes of a tensor with that many axes. */
    long[] sizes(String name, int axes) { // (axes)
        TensorInfo tensor = file.header()
                .find(name)
                .orElseThrow(() -> new IllegalArgumentException("the tensor " + name + " is missing"));
        if (tensor.axes() != axes) {
            throw new IllegalArgumentException("the tensor " + name + " has the shape " + tensor.shape());
        }
        return tensor.shape().stream().mapToLong(Long::longValue).toArray();
    }

    private void check(String name, DType dtype, long... shape) {
        TensorInfo tensor = file.header()
                .find(name)
                .orElseThrow(() -> new IllegalArgumentException("the tensor " + name + " is missing"));
        List<Long> expected = Arrays.stream(shape).boxed().toList();
        if (tensor.dtype() != dtype || !tensor.shape().equals(expected)) {
            throw new IllegalArgumentException("the tensor " + name + " is " + tensor.dtype() + " " + tensor.shape()
                    + ", expected " + dtype + " " + expected);
        }
        if (tensor.elements() > ELEMENTS_MAX) {
            throw new IllegalArgumentException("the tensor " + name + " is too large: " + expected);
        }
    }
}
