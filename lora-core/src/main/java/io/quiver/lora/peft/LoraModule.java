package io.quiver.lora.peft;

import java.util.Optional;

/**
 * The update of one linear module, ΔW = scaling · B · A.
 *
 * @param path in the base model, such as {@code model.layers.0.self_attn.q_proj}
 * @param in features that the module reads
 * @param out features that it writes
 * @param rank r
 * @param scaling alpha/r, or alpha/√r with rsLoRA, patterns resolved
 * @param aTensor name of A in the file; its shape is (rank, in)
 * @param bTensor name of B in the file; its shape is (out, rank)
 * @param gateTensor name of the gate vector in the file, if it has one; its shape is (in)
 */
public record LoraModule(
        String path,
        int in,
        int out,
        int rank,
        double scaling,
        String aTensor,
        String bTensor,
        Optional<String> gateTensor) {
    /** A module without a gate vector. */
    public LoraModule(String path, int in, int out, int rank, double scaling, String aTensor, String bTensor) {
        this(path, in, out, rank, scaling, aTensor, bTensor, Optional.empty());
    }

    public LoraModule {
        if (in < 1 || out < 1 || rank < 1) {
            throw new IllegalArgumentException("sizes must be positive in module " + path);
        }
    }
}
