package io.quiver.lora.model;

/**
 * Sizes of a linear layer y = Wx with W (out, in).
 *
 * @param in features that it reads
 * @param out features that it writes
 */
public record LinearShape(int in, int out) {
    public LinearShape {
        if (in < 1 || out < 1) {
            throw new IllegalArgumentException("a linear layer has at least one input and one output");
        }
    }
}
