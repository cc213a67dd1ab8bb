package io.quiver.cli.routability;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;

/**
 * A routability report as the router gives it.
 *
 * @param experts in the router's order
 * @param chosen examples of the row's expert that were given to the column's, in the last column to the base //
 *     (experts, experts + 1)
 * @param correlations of the stand-outs on generic requests // (experts, experts)
 * @param sharpened whether requests are also compared with the examples
 */
public record RoutabilityReport(
        String base,
        double threshold,
        int genericRequests,
        boolean sharpened,
        List<ReportedExpert> experts,
        int[][] chosen,
        double[][] correlations) {
    public RoutabilityReport {
        experts = List.copyOf(experts);
    }

    /** Reads the router's answer. */
    public static RoutabilityReport of(JsonNode json) {
        List<ReportedExpert> experts = new ArrayList<>();
        json.path("experts").forEach(expert -> experts.add(ReportedExpert.of(expert)));
        return new RoutabilityReport(
                json.path("base").path("name").asString("?"),
                json.path("threshold").asDouble(Double.NaN),
                json.path("generic_requests").asInt(0),
                json.path("sharpened").asBoolean(false),
                experts,
                rows(json.path("chosen"))
                        .map(row -> row.mapToInt(value -> value.asInt(0)).toArray())
                        .toArray(int[][]::new),
                rows(json.path("correlations"))
                        .map(row -> row.mapToDouble(value -> value.asDouble(0)).toArray())
                        .toArray(double[][]::new));
    }

    private static Stream<Stream<JsonNode>> rows(JsonNode matrix) {
        return StreamSupport.stream(matrix.spliterator(), false)
                .map(row -> StreamSupport.stream(row.spliterator(), false));
    }

    /** One version of an adapter, if it is in the library under that name or another. */
    public Optional<ReportedExpert> find(String name, int version) {
        return experts.stream()
                .filter(expert ->
                        expert.is(name, version) || expert.sameContent().contains(name))
                .findFirst();
    }

    /** Whether something should be done about some expert. */
    public boolean hasFindings() {
        return experts.stream().anyMatch(ReportedExpert::isFinding);
    }

    boolean hasExamples() {
        return experts.stream().anyMatch(expert -> expert.read() > 0);
    }
}
