package io.quiver.lora.safetensors;

import java.util.List;
import java.util.stream.Collectors;

/** A file is not valid safetensors, or exceeds the limits set for it. Holds every defect found. */
public final class InvalidSafetensorsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient List<Defect> defects;

    public InvalidSafetensorsException(List<Defect> defects) {
        super(defects.stream()
                .map(defect -> defect.code().code() + ": " + defect.message())
                .collect(Collectors.joining("; ")));
        if (defects.isEmpty()) {
            throw new IllegalArgumentException("an invalid file has at least one defect");
        }
        this.defects = List.copyOf(defects);
    }

    InvalidSafetensorsException(DefectCode code, String message) {
        this(List.of(new Defect(code, message, null)));
    }

    /** At least one, in the order in which they were found. */
    public List<Defect> defects() {
        return defects;
    }
}
