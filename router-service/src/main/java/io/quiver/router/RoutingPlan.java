package io.quiver.router;

import io.quiver.decoder.Combine;
import io.quiver.schemas.Digest;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * How one request is routed, resolved once at admission: from here on only digests count, so that nothing that happens
 * to names and aliases later touches it.
 *
 * @param experts in the order of the request, each content once; empty for the base alone
 * @param topK for Arrow
 * @param temperature for Arrow
 * @param combine for Arrow
 */
public record RoutingPlan(
        BaseModel base,
        Strategy strategy,
        List<PinnedExpert> experts,
        int topK,
        double temperature,
        Combine combine,
        TraceDetail trace) {
    public RoutingPlan {
        experts = List.copyOf(experts);
    }

    /** SHA-256 over one line with the base's hex digits and one per expert, in order: equal for equal libraries only. */
    public Digest libraryDigest() {
        StringBuilder lines = new StringBuilder(base.digest().hex()).append('\n');
        experts.forEach(expert -> lines.append(expert.digest().hex()).append('\n'));
        return Digest.of(lines.toString().getBytes(StandardCharsets.UTF_8));
    }
}
