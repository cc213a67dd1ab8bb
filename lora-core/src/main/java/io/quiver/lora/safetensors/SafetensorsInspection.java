package io.quiver.lora.safetensors;

import java.util.List;

/**
 * What a whole safetensors file turned out to be.
 *
 * @param findings one per tensor, in the header's order
 */
public record SafetensorsInspection(SafetensorsHeader header, List<TensorFinding> findings) {
    public SafetensorsInspection {
        findings = List.copyOf(findings);
        if (findings.size() != header.tensors().size()) {
            throw new IllegalArgumentException("one finding per tensor is needed");
        }
    }
}
