package io.quiver.decoder.torch;

import io.quiver.lora.evidence.PointBaseline;
import io.quiver.lora.evidence.ProbePoint;
import java.util.HashSet;
import java.util.List;

/** What sequences keep of the inputs of their linear modules, held by the program. Guarded by the decoder's lock. */
final class KeptInputs {
    private final TensorProgram program;
    private final List<Point> points;
    private final int elementBytes;

    KeptInputs(TensorProgram program, List<Point> points, int elementBytes) {
        this.program = program;
        this.points = points;
        this.elementBytes = elementBytes;
    }

    /** Number of the point among all of the model. */
    static int number(ProbePoint point) {
        int place = switch (point.place()) {
            case ATTENTION_IN -> 0;
            case ATTENTION_OUT -> 1;
            case MLP_IN -> 2;
            case MLP_MID -> 3;
        };
        return Point.PER_LAYER * point.layer() + place;
    }

    /** @throws IllegalArgumentException if the model has not such a point, or one is named twice */
    void checkPoints(List<ProbePoint> probed) {
        for (ProbePoint point : probed) {
            if (point.layer() < 0 || point.layer() >= points.size() / Point.PER_LAYER) {
                throw new IllegalArgumentException("the model has no layer " + point.layer());
            }
        }
        if (new HashSet<>(probed).size() != probed.size()) {
            throw new IllegalArgumentException("a point is named twice in " + probed);
        }
    }

    /** @throws IllegalArgumentException as for points, or if one reads inputs of another width */
    void check(List<PointBaseline> baselines) {
        checkPoints(baselines.stream().map(PointBaseline::point).toList());
        for (PointBaseline baseline : baselines) {
            int in = points.get(number(baseline.point())).in();
            if (baseline.in() != in) {
                throw new IllegalArgumentException(
                        baseline.point() + " was calibrated with " + baseline.in() + " features, the model has " + in);
            }
        }
    }

    /** Bytes of what is kept of one token. */
    long positionBytes(List<ProbePoint> probed) {
        return probed.stream()
                .mapToLong(
                        point -> (long) elementBytes * points.get(number(point)).in())
                .sum();
    }

    /** Tells the program what a new sequence keeps. */
    void open(TorchSequence sequence) {
        if (!sequence.probed().isEmpty()) {
            int[] numbers =
                    sequence.probed().stream().mapToInt(KeptInputs::number).toArray();
            program.run("probe", sequence.id(), numbers);
        }
    }

    void beginWith(TorchSequence sequence, TorchSequence source, int tokens, int capacity) {
        if (!sequence.probed().isEmpty()) {
            program.run("begin_to_keep_with", sequence.id(), source.id(), tokens, capacity);
        }
    }

    /**
     * What the linear modules of a point have read.
     *
     * @return row-major // (tokens, in)
     * @throws IllegalArgumentException if the sequence does not keep it
     */
    float[] read(TorchSequence sequence, ProbePoint point, int first, int tokens) {
        int which = sequence.probed().indexOf(point);
        if (which < 0) {
            throw new IllegalArgumentException("the sequence keeps the inputs of " + sequence.probed());
        }
        return program.run("kept_inputs", sequence.id(), which, first, tokens)
                .get(0)
                .values();
    }

    void close(TorchSequence sequence) {
        if (!sequence.probed().isEmpty()) {
            program.run("forget_kept", sequence.id());
        }
    }
}
