package io.quiver.router;

import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.EvidenceRef;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What a library's experts are compared by, and when none of them answers.
 *
 * @param calibration of the base, the same for all
 * @param references where each expert's evidence against it lies, in the order of the experts // (experts)
 * @param minScore how far the best expert must stand out, instead of the library's own threshold
 * @param strict whether a text is refused that no expert fits
 */
public record EvidencePlan(
        CalibrationRef calibration, List<EvidenceRef> references, OptionalDouble minScore, boolean strict) {
    public EvidencePlan {
        references = List.copyOf(references);
    }

    /** @param places of experts that are missing */
    EvidencePlan without(Set<Integer> places) {
        List<EvidenceRef> rest = IntStream.range(0, references.size())
                .filter(place -> !places.contains(place))
                .mapToObj(references::get)
                .toList();
        return new EvidencePlan(calibration, rest, minScore, strict);
    }
}
