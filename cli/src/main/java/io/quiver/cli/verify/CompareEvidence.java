package io.quiver.cli.verify;

import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.BaseCalibration;
import io.quiver.lora.evidence.EvidenceDecision;
import io.quiver.lora.evidence.EvidenceReading;
import io.quiver.lora.evidence.LibraryThreshold;
import io.quiver.lora.evidence.MemoryConstants;
import io.quiver.lora.evidence.PointBaseline;
import io.quiver.lora.evidence.PointCalibration;
import io.quiver.lora.evidence.PointEvidence;
import io.quiver.lora.evidence.ProbePoint;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** Holds what the evidence gate computes to the reference values of a case. */
record CompareEvidence(EvidenceReference reference, ReferenceTensors tensors, Findings findings) {
    /** Means, whitenings and norms of the base, in double precision. */
    void calibration(BaseCalibration calibration) throws IOException {
        for (PointCalibration found : calibration.points().values()) {
            String point = found.point().name();
            PointBaseline baseline = found.baseline();
            exact("mean", baseline.mean(), "mean." + point);
            exact("whiten", found.whitening().matrix(), "whiten." + point);
            exact("norm", new double[] {baseline.normMean(), baseline.normDeviation()}, "norm." + point);
        }
    }

    /** Constants of every expert, and the library's threshold, in double precision. */
    void adapters(BaseCalibration calibration, List<AdapterEvidence> experts) throws IOException {
        for (ProbePoint point : calibration.points().keySet()) {
            exact(
                    "loudness",
                    columns(
                            experts,
                            expert -> at(expert, point)
                                    .map(here -> new double[] {here.mean(), here.deviation()})
                                    .orElse(new double[] {-1, -1})),
                    "loudness." + point.name());
        }
        constants("centre", experts, MemoryConstants::centre);
        constants("spread", experts, MemoryConstants::spread);
        constants("slope", experts, MemoryConstants::slope);
        constants("intercept", experts, MemoryConstants::intercept);
        constants("residual", experts, MemoryConstants::residual);
        exact("outside", columns(experts, AdapterEvidence::outside), "outside");
        findings.near(
                "threshold",
                LibraryThreshold.of(experts.stream()
                                        .map(AdapterEvidence::constants)
                                        .toList())
                                / reference.threshold()
                        - 1,
                Tolerance.EVIDENCE_EXACT,
                "the library");
    }

    private static Optional<PointEvidence> at(AdapterEvidence expert, ProbePoint point) {
        return expert.points().stream().filter(one -> one.point().equals(point)).findFirst();
    }

    private void constants(String quantity, List<AdapterEvidence> experts, ToDoubleFunction<MemoryConstants> constant)
            throws IOException {
        exact(
                quantity,
                columns(
                        experts,
                        expert ->
                                expert.memories().stream().mapToDouble(constant).toArray()),
                quantity);
    }

    /** Evidence, memories, scores and the decision of one prompt, in double precision. */
    void exact(int number, EvidenceDecision decision) throws IOException {
        List<EvidenceReading> readings = decision.readings();
        exact("evidence", columns(readings, EvidenceReading::evidence), "evidence." + number);
        exact("memory", columns(readings, EvidenceReading::memories), "memory." + number);
        exact("score", columns(readings, one -> new double[] {one.score()}), "score." + number);
        exact("stand_out", columns(readings, one -> new double[] {one.standOut()}), "stand_out." + number);
        decision("decisions", number, decision);
    }

    /** The same in single precision. */
    void single(int number, EvidenceDecision decision) throws IOException {
        List<EvidenceReading> readings = decision.readings();
        single("evidence", columns(readings, EvidenceReading::evidence), "evidence." + number);
        single("memory", columns(readings, EvidenceReading::memories), "memory." + number);
        single("score", columns(readings, one -> new double[] {one.score()}), "score." + number);
        single("stand_out", columns(readings, one -> new double[] {one.standOut()}), "stand_out." + number);
        decision("decisions in float32", number, decision);
    }

    private void decision(String quantity, int number, EvidenceDecision decision) {
        EvidenceReference.Prompt prompt = reference.prompts().get(number);
        boolean routed = decision.chosen().isPresent();
        findings.equal(
                quantity,
                decision.best() == prompt.best() && routed == prompt.routed(),
                1,
                "prompt " + number + " is for expert " + decision.best() + ", routed " + routed + "; expected "
                        + prompt.best() + ", " + prompt.routed());
    }

    /** Columns side by side, row-major. */
    private static <T> double[] columns(List<T> experts, Function<T, double[]> column) { // -> (rows, experts)
        List<double[]> columns = experts.stream().map(column).toList();
        double[] values = new double[columns.get(0).length * columns.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = columns.get(i % columns.size())[i / columns.size()];
        }
        return values;
    }

    /** Notes the largest difference, relative to the largest entry of the reference. */
    private void exact(String quantity, double[] found, String tensor) throws IOException { // (elements)
        double[] expected = tensors.values(tensor);
        double largest = 0;
        for (double value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        findings.near(quantity, Numbers.distance(found, expected) / largest, Tolerance.EVIDENCE_EXACT, tensor);
    }

    private void single(String quantity, double[] found, String tensor) throws IOException { // (elements)
        findings.near(
                quantity + " in float32", Numbers.distance(found, tensors.values(tensor)), Tolerance.EVIDENCE, tensor);
    }
}
