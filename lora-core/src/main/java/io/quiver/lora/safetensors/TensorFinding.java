package io.quiver.lora.safetensors;

/**
 * What reading a tensor's elements showed.
 *
 * @param firstNotFiniteIndex index of the first element, row-major, that is NaN, infinite, or too large for single precision;
 *     -1 if there is none, or if the type is not one of F16, BF16, F32, F64
 * @param allZero whether every element is zero of either sign; true for a tensor without elements
 */
public record TensorFinding(TensorInfo tensor, long firstNotFiniteIndex, boolean allZero) {
    public boolean isFinite() {
        return firstNotFiniteIndex < 0;
    }
}
