package io.quiver.lora.peft;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** The updates of an expert, module by module: as an adapter stores them, or as they were computed from several adapters. */
public interface LoraUpdates {
    /** By path; at least one. */
    List<LoraModule> modules();

    /**
     * @return A, row-major // (rank, in)
     * @throws IOException if it cannot be read
     */
    float[] a(LoraModule module) throws IOException;

    /**
     * @return B, row-major // (out, rank)
     * @throws IOException if it cannot be read
     */
    float[] b(LoraModule module) throws IOException;

    /**
     * What PHATGOOSE's gate was trained to look for; empty if the module has no gate vector, as anything computed from several
     * adapters.
     *
     * @return v // (in)
     * @throws IOException if it cannot be read
     */
    default Optional<float[]> gateVector(LoraModule module) throws IOException {
        return Optional.empty();
    }
}
