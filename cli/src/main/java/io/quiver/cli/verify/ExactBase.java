package io.quiver.cli.verify;

import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.CentredInputs;
import io.quiver.lora.evidence.ChooseByEvidence;
import io.quiver.lora.evidence.ChooseByEvidence.ExpertLoudness;
import io.quiver.lora.evidence.EvidenceDecision;
import io.quiver.lora.evidence.ExactInputs;
import io.quiver.lora.evidence.ExampleComparison;
import io.quiver.lora.evidence.PointBaseline;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.evidence.TokenInputs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

/** Everything in double precision. */
record ExactBase(ExactForward forward, Set<ProbePoint> points) implements BareBase {
    @Override
    public Map<ProbePoint, TokenInputs> inputs(List<int[]> texts, int first) {
        Map<ProbePoint, List<double[]>> rows = new HashMap<>(); // (points) of (tokens) of (in)
        for (int[] text : texts) {
            Map<ProbePoint, double[][]> found = forward.inputs(text);
            for (ProbePoint point : points) {
                double[][] tokens = found.get(point);
                if (tokens == null) {
                    throw new IllegalArgumentException("the model has no layer for " + point);
                }
                rows.computeIfAbsent(point, any -> new ArrayList<>())
                        .addAll(Arrays.asList(tokens).subList(first, tokens.length));
            }
        }
        Map<ProbePoint, TokenInputs> inputs = new HashMap<>();
        rows.forEach((point, tokens) ->
                inputs.put(point, TokenInputs.of(tokens.get(0).length, Numbers.flat(tokens.toArray(double[][]::new)))));
        return inputs;
    }

    @Override
    public EvidenceDecision decide(
            EvidenceReference.Prompt prompt, List<PointBaseline> baselines, List<AdapterEvidence> experts) {
        Map<ProbePoint, TokenInputs> inputs = inputs(List.of(prompt.ids()), prompt.turnStart());
        Map<ProbePoint, CentredInputs> centred = new HashMap<>();
        Map<ProbePoint, double[]> norms = new HashMap<>();
        for (PointBaseline baseline : baselines) {
            CentredInputs rows = centred(EvidenceCase.at(inputs, baseline.point()), baseline.mean());
            centred.put(baseline.point(), rows);
            norms.put(baseline.point(), rows.norms(baseline.directionRows()));
        }
        List<ExpertLoudness> library = new ArrayList<>();
        for (AdapterEvidence expert : experts) {
            double[][] loudness = expert.points().stream()
                    .map(point -> EvidenceCase.at(centred, point.point()).norms(point.matrix()))
                    .toArray(double[][]::new);
            library.add(new ExpertLoudness(expert.constants(), loudness));
        }
        return new ChooseByEvidence(baselines).choose(library, norms, ExampleComparison.NONE, OptionalDouble.empty());
    }

    private static CentredInputs centred(TokenInputs inputs, double[] mean) { // (in)
        double[] values = new double[inputs.tokens() * inputs.in()];
        double[] row = new double[inputs.in()];
        for (int t = 0; t < inputs.tokens(); t++) {
            inputs.copyRow(t, row);
            for (int i = 0; i < row.length; i++) {
                values[t * row.length + i] = row[i] - mean[i];
            }
        }
        return new ExactInputs(mean.length, values);
    }
}
