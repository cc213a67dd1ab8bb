package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.EvidenceMatrices;
import io.quiver.decoder.Sequence;
import io.quiver.lora.evidence.ChooseByEvidence;
import io.quiver.lora.evidence.ChooseByEvidence.ExpertLoudness;
import io.quiver.lora.evidence.CompareExamples;
import io.quiver.lora.evidence.EvidenceDecision;
import io.quiver.lora.evidence.ExampleComparison;
import io.quiver.lora.evidence.InputPlace;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.evidence.RegressOnExamples;
import java.util.List;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Experts that can be compared on what the bare base has read. Immutable; used by the decode thread. */
public final class EvidenceLibrary {
    private final Decoder decoder;
    private final EvidenceMatrices matrices;
    private final ChooseByEvidence choose;
    private final List<OpenCalibration.Loaded> members;
    private final double threshold;
    private final @Nullable LibraryExamples examples;

    /**
     * How requests are compared with the members' example prompts.
     *
     * @param compare takes directions of requests
     * @param regress prepared for all members
     */
    record LibraryExamples(CompareExamples compare, RegressOnExamples regress) {}

    /** @param examples if every member came with example prompts */
    EvidenceLibrary(
            Decoder decoder,
            EvidenceMatrices matrices,
            ChooseByEvidence choose,
            List<OpenCalibration.Loaded> members,
            double threshold,
            @Nullable LibraryExamples examples) {
        this.decoder = decoder;
        this.matrices = matrices;
        this.choose = choose;
        this.members = List.copyOf(members);
        this.threshold = threshold;
        this.examples = examples;
    }

    /** How far the best expert must stand out, unless a request says otherwise. */
    public double threshold() {
        return threshold;
    }

    /** Each expert's stand-outs on the generic requests that the threshold is computed from. // (experts) of (requests) */
    List<double[]> outside() {
        return members.stream()
                .map(member -> member.resident().constants().outside())
                .toList();
    }

    /** Whether requests are also compared with the members' example prompts. */
    boolean comparesExamples() {
        return examples != null;
    }

    /**
     * The points whose inputs must be kept: those where most experts are measured, whatever the library, so that what was read for
     * one serves others; and those beside that members of this one need.
     */
    public List<ProbePoint> probed() {
        TreeSet<ProbePoint> points = new TreeSet<>();
        matrices.points().stream()
                .filter(point -> point.place() == InputPlace.ATTENTION_IN || point.place() == InputPlace.MLP_IN)
                .forEach(points::add);
        members.forEach(
                member -> member.resident().constants().points().forEach(measured -> points.add(measured.point())));
        return List.copyOf(points);
    }

    /**
     * Decides.
     *
     * @param bare has read the whole prompt and kept the inputs of {@link #probed()}
     * @param first token that brings evidence
     * @param minScore instead of {@link #threshold()}
     */
    EvidenceDecision decide(Sequence bare, int first, OptionalDouble minScore) {
        EvidenceMatrices.Loudness loudness = matrices.loudness(bare, first, residents());
        return choose.choose(
                loudness.experts(), loudness.norms(), compared(bare), OptionalDouble.of(minScore.orElse(threshold)));
    }

    /** The evidence of every token read, of those too that the decision leaves out. // (experts) of (tokens) */
    List<double[]> everyToken(Sequence bare) {
        EvidenceMatrices.Loudness loudness = matrices.loudness(bare, 0, residents());
        return loudness.experts().stream()
                .map((ExpertLoudness expert) ->
                        choose.read(expert, loudness.norms()).evidence())
                .toList();
    }

    private List<EvidenceMatrices.Resident> residents() {
        return members.stream().map(OpenCalibration.Loaded::resident).toList();
    }

    private ExampleComparison compared(Sequence bare) {
        if (examples == null) {
            return ExampleComparison.NONE;
        }
        TreeMap<ProbePoint, double[]> last = new TreeMap<>();
        for (ProbePoint point : examples.compare().points()) {
            float[] inputs = decoder.inputs(bare, point, bare.length() - 1, 1);
            double[] exact = new double[inputs.length]; // (in)
            for (int i = 0; i < exact.length; i++) {
                exact[i] = inputs[i];
            }
            last.put(point, exact);
        }
        return examples.regress().compare(examples.compare().directions(last));
    }
}
