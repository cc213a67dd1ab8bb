package io.quiver.lora.arrow;

/**
 * The prototype of one expert at one linear module: the unit input that its update stretches most.
 *
 * @param module path in the base model, such as {@code model.layers.3.mlp.up_proj}
 * @param rank r of the update
 * @param scaling s of ΔW = s·B·A: alpha/r, or alpha/√r with rsLoRA, patterns resolved
 * @param vector top right singular vector of B·A, unit length, largest component positive // (in)
 * @param sigma all singular values of B·A, without the scaling, largest first // (min(rank, in, out))
 */
public record ModulePrototype(String module, int rank, double scaling, float[] vector, double[] sigma) {
    public ModulePrototype {
        if (vector.length == 0 || sigma.length == 0 || sigma.length > rank) {
            throw new IllegalArgumentException(
                    "a prototype has at least one component and at most rank singular values, module " + module);
        }
        if (!(scaling > 0) || Double.isInfinite(scaling)) {
            throw new IllegalArgumentException("scaling must be above 0 and finite, module " + module);
        }
        if (!(sigma[0] > 0) || Double.isInfinite(sigma[0])) {
            throw new IllegalArgumentException(
                    "the largest singular value must be above 0 and finite, module " + module);
        }
    }

    /** How well the direction is determined: σ₂/σ₁, 0 if there is one singular value; near 1 means ill-defined. */
    public double sigmaRatio() {
        return sigma.length < 2 ? 0 : sigma[1] / sigma[0];
    }
}
