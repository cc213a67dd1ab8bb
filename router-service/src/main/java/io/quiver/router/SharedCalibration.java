package io.quiver.router;

import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.EvidenceRef;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A calibration that every expert of a library has evidence against: only then can they be compared.
 *
 * @param references where the evidence lies, in the order of the experts // (experts)
 */
record SharedCalibration(CalibrationRef calibration, List<EvidenceRef> references) {
    /**
     * The newest one that there is: the base's own, else an earlier one that still serves while experts are being measured anew.
     *
     * @param wanted the only one to look for; null for any
     */
    static Optional<SharedCalibration> of(BaseModel base, List<PinnedExpert> experts, @Nullable Digest wanted) {
        Map<Digest, CalibrationRef> candidates = new LinkedHashMap<>();
        base.calibration().ifPresent(newest -> candidates.put(newest.digest(), newest));
        experts.forEach(expert -> expert.content()
                .evidence()
                .forEach(each -> candidates.putIfAbsent(each.calibration().digest(), each.calibration())));
        return candidates.values().stream()
                .filter(candidate -> wanted == null || candidate.digest().equals(wanted))
                .flatMap(candidate -> of(candidate, experts).stream())
                .findFirst();
    }

    private static Optional<SharedCalibration> of(CalibrationRef calibration, List<PinnedExpert> experts) {
        List<EvidenceRef> references = experts.stream()
                .map(expert -> against(expert, calibration.digest()))
                .filter(Objects::nonNull)
                .toList();
        return references.size() == experts.size() && !experts.isEmpty()
                ? Optional.of(new SharedCalibration(calibration, references))
                : Optional.empty();
    }

    /** Those of the experts that have no evidence against a calibration. */
    static List<PinnedExpert> without(List<PinnedExpert> experts, Digest calibration) {
        return experts.stream()
                .filter(expert -> against(expert, calibration) == null)
                .toList();
    }

    private static @Nullable EvidenceRef against(PinnedExpert expert, Digest calibration) {
        return expert.content().evidence().stream()
                .filter(each -> each.calibration().digest().equals(calibration))
                .findFirst()
                .orElse(null);
    }
}
