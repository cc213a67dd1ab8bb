package io.quiver.cli.verify;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.EvidenceMatrices;
import io.quiver.decoder.EvidenceMatrices.Loudness;
import io.quiver.decoder.EvidenceMatrices.Resident;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.ChooseByEvidence;
import io.quiver.lora.evidence.EvidenceDecision;
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

/** Everything as the worker and the router do it: inputs, evidence matrices and their products by the decoder, in single precision. */
record DecodedBase(Decoder decoder, Set<ProbePoint> points) implements BareBase {
    @Override
    public Map<ProbePoint, TokenInputs> inputs(List<int[]> texts, int first) {
        Map<ProbePoint, float[]> inputs = new HashMap<>(); // (points) of (tokens, in)
        for (int[] text : texts) {
            try (Sequence sequence = read(text)) {
                for (ProbePoint point : points) {
                    float[] more = decoder.inputs(sequence, point, first, text.length - first);
                    inputs.merge(point, more, DecodedBase::joined);
                }
            }
        }
        int tokens = texts.stream().mapToInt(text -> text.length - first).sum();
        Map<ProbePoint, TokenInputs> rows = new HashMap<>();
        inputs.forEach((point, values) -> rows.put(point, TokenInputs.of(values.length / tokens, values)));
        return rows;
    }

    private Sequence read(int[] text) { // (tokens)
        Sequence sequence = decoder.open(new Routing.Base(), text.length, List.copyOf(points));
        decoder.step(List.of(new Feed(sequence, text)));
        return sequence;
    }

    private static float[] joined(float[] first, float[] second) { // (elements of both)
        float[] joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }

    @Override
    public EvidenceDecision decide(
            EvidenceReference.Prompt prompt, List<PointBaseline> baselines, List<AdapterEvidence> experts) {
        try (EvidenceMatrices matrices = decoder.openEvidence(baselines);
                Sequence sequence = read(prompt.ids())) {
            List<Resident> residents = new ArrayList<>();
            for (int e = 0; e < experts.size(); e++) {
                residents.add(matrices.load("expert " + e, experts.get(e)));
            }
            Loudness loudness = matrices.loudness(sequence, prompt.turnStart(), residents);
            return new ChooseByEvidence(baselines)
                    .choose(loudness.experts(), loudness.norms(), ExampleComparison.NONE, OptionalDouble.empty());
        }
    }
}
