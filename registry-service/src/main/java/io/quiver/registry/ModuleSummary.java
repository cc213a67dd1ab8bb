package io.quiver.registry;

/**
 * What people may want to know of the prototype of one linear module.
 *
 * @param module path in the base model
 * @param in features that the module reads
 * @param out features that it writes
 * @param rank r of the update
 * @param scaling s of ΔW = s·B·A
 * @param sigma1 largest singular value of B·A, without the scaling
 * @param sigmaRatio σ₂/σ₁: near 1 means that the direction is ill-defined
 */
public record ModuleSummary(
        String module, int in, int out, int rank, double scaling, double sigma1, double sigmaRatio) {}
