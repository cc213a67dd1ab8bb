package io.quiver.lora.peft;

import java.io.IOException;
import java.util.List;

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
}
