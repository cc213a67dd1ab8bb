package io.quiver.decoder.torch;

import static java.util.Objects.requireNonNull;

import io.quiver.decoder.EvidenceMatrices;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.torch.TensorProgram.Floats;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.ChooseByEvidence.ExpertLoudness;
import io.quiver.lora.evidence.EvidenceConstants;
import io.quiver.lora.evidence.PointBaseline;
import io.quiver.lora.evidence.PointEvidence;
import io.quiver.lora.evidence.ProbePoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** Evidence matrices that the program holds under numbers. All of it is guarded by the decoder's lock. */
final class TorchEvidence implements EvidenceMatrices {
    private final TorchDecoder decoder;
    private final TensorProgram program;
    private final long number;
    private final List<ProbePoint> points;
    private final int[] widths; // (points)
    private final int elementBytes;
    private final Map<String, Matrices> experts = new HashMap<>();
    /** By the numbers of their experts, the one asked for last at the end. */
    private final LinkedHashMap<List<Long>, Library> libraries = new LinkedHashMap<>(16, 0.75f, true);

    private boolean closed;
    private volatile long residentBytes;

    /** Libraries that the program keeps gathered; more of them are gathered anew. */
    private static final int LIBRARIES_MAX = 16;

    /**
     * Experts that are asked together, whose matrices the program has gathered by point.
     *
     * @param number under which it has them
     * @param points at which some expert has a matrix
     * @param places where an expert's matrix of a point is among its own, -1: it has none // (points, experts)
     */
    private record Library(long number, List<ProbePoint> points, int[] places) {}

    /** Matrices of one expert. */
    private record Matrices(long number, String digest, EvidenceConstants constants, long residentBytes)
            implements Resident {
        int indexOf(ProbePoint point) {
            for (int i = 0; i < constants.points().size(); i++) {
                if (constants.points().get(i).point().equals(point)) {
                    return i;
                }
            }
            return -1;
        }
    }

    /** @param number under which the program holds the baselines, which are those of the model's width */
    TorchEvidence(
            TorchDecoder decoder, TensorProgram program, long number, List<PointBaseline> baselines, int elementBytes) {
        this.decoder = decoder;
        this.program = program;
        this.number = number;
        this.points = baselines.stream().map(PointBaseline::point).toList();
        this.widths = baselines.stream().mapToInt(PointBaseline::in).toArray();
        this.elementBytes = elementBytes;
        for (PointBaseline baseline : baselines) {
            int in = baseline.in();
            program.run("add_evidence", number, false, new Floats(rounded(baseline.mean()), in));
            float[] directions = new float[PointBaseline.DIRECTIONS * in]; // (directions, in)
            for (int i = 0; i < in; i++) {
                for (int j = 0; j < PointBaseline.DIRECTIONS; j++) {
                    directions[j * in + i] = (float) baseline.directions()[i * PointBaseline.DIRECTIONS + j];
                }
            }
            program.run("add_evidence", number, true, new Floats(directions, PointBaseline.DIRECTIONS, in));
            residentBytes += in * ((long) Float.BYTES + PointBaseline.DIRECTIONS * elementBytes);
        }
    }

    private static float[] rounded(double[] values) {
        float[] rounded = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            rounded[i] = (float) values[i];
        }
        return rounded;
    }

    @Override
    public List<ProbePoint> points() {
        return points;
    }

    @Override
    public Resident load(String digest, AdapterEvidence evidence) {
        return decoder.locked(() -> {
            requireOpen();
            Matrices known = experts.get(digest);
            if (known != null) {
                return known;
            }
            evidence.points().forEach(this::check);
            long expert = decoder.nextEvidence();
            for (PointEvidence point : evidence.points()) {
                program.run(
                        "add_evidence", expert, true, new Floats(rounded(point.matrix()), point.rank(), point.in()));
            }
            Matrices made = new Matrices(expert, digest, evidence.constants(), evidence.matrixBytes(elementBytes));
            experts.put(digest, made);
            residentBytes += made.residentBytes();
            return made;
        });
    }

    private void check(PointEvidence evidence) {
        int index = points.indexOf(evidence.point());
        if (index < 0) {
            throw new IllegalArgumentException("the base was not calibrated at " + evidence.point());
        }
        if (evidence.in() != widths[index]) {
            throw new IllegalArgumentException("the evidence matrix of " + evidence.point() + " has rows of "
                    + evidence.in() + ", the model reads " + widths[index] + " there");
        }
    }

    @Override
    public void evict(Resident expert) {
        decoder.lockedUnlessClosed(() -> {
            if (expert instanceof Matrices matrices && experts.remove(expert.digest(), matrices)) {
                residentBytes -= matrices.residentBytes();
                // What is gathered would keep the matrices.
                libraries.values().removeIf(library -> {
                    program.run("drop_gathered", library.number());
                    return true;
                });
                program.run("drop_evidence", matrices.number());
            }
        });
    }

    @Override
    public long residentBytes() {
        return residentBytes;
    }

    @Override
    public Loudness loudness(Sequence sequence, int first, List<Resident> wanted) {
        return decoder.locked(() -> {
            requireOpen();
            return loudness(decoder.kept(sequence, first, sequence.length() - first), first, residents(wanted));
        });
    }

    private List<Matrices> residents(List<Resident> wanted) {
        return wanted.stream()
                .map(expert -> {
                    if (expert instanceof Matrices matrices && experts.get(expert.digest()) == matrices) {
                        return matrices;
                    }
                    throw new IllegalArgumentException("the evidence of " + expert.digest() + " is not resident");
                })
                .toList();
    }

    private Library gathered(List<Matrices> wanted) {
        List<Long> numbers = wanted.stream().map(Matrices::number).toList();
        Library known = libraries.get(numbers);
        if (known != null) {
            return known;
        }
        TreeSet<ProbePoint> measured = new TreeSet<>();
        wanted.forEach(expert -> expert.constants().points().forEach(point -> measured.add(point.point())));
        List<ProbePoint> common = List.copyOf(measured);
        int n = wanted.size();
        int[] places = new int[common.size() * n];
        for (int i = 0; i < places.length; i++) {
            places[i] = wanted.get(i % n).indexOf(common.get(i / n));
        }
        Library library = new Library(decoder.nextEvidence(), common, places);
        program.run(
                "gather_evidence",
                library.number(),
                number,
                common.stream().mapToInt(points::indexOf).toArray(),
                numbers.stream().mapToLong(Long::longValue).toArray(),
                places);
        libraries.put(numbers, library);
        if (libraries.size() > LIBRARIES_MAX) {
            Library oldest = libraries.remove(libraries.keySet().iterator().next());
            program.run("drop_gathered", requireNonNull(oldest).number());
        }
        return library;
    }

    private Loudness loudness(TorchSequence sequence, int first, List<Matrices> wanted) {
        Library library = gathered(wanted);
        List<ProbePoint> common = library.points();
        int[] places = library.places();
        int tokens = sequence.length() - first;
        int n = wanted.size();
        int[] pointNumbers = new int[2 * common.size()];
        for (int p = 0; p < common.size(); p++) {
            pointNumbers[2 * p] = sequence.probed().indexOf(common.get(p));
            pointNumbers[2 * p + 1] = points.indexOf(common.get(p));
            if (pointNumbers[2 * p] < 0) {
                throw new IllegalArgumentException(
                        "the sequence keeps the inputs of " + sequence.probed() + ", not of " + common.get(p));
            }
        }
        List<Floats> results =
                program.run("loudness", sequence.id(), first, tokens, library.number(), number, pointNumbers);
        TreeMap<ProbePoint, double[]> norms = new TreeMap<>();
        List<double[][]> loudness = wanted.stream()
                .map(expert -> new double[expert.constants().points().size()][])
                .toList(); // (experts) of (own points, tokens)
        for (int p = 0; p < common.size(); p++) {
            float[] values = results.get(p).values(); // (1 + experts that have the point, tokens)
            int next = 0;
            norms.put(common.get(p), row(values, next++, tokens));
            for (int e = 0; e < n; e++) {
                if (places[p * n + e] >= 0) {
                    loudness.get(e)[places[p * n + e]] = row(values, next++, tokens);
                }
            }
        }
        List<ExpertLoudness> experts = new ArrayList<>();
        for (int e = 0; e < n; e++) {
            experts.add(new ExpertLoudness(wanted.get(e).constants(), loudness.get(e)));
        }
        return new Loudness(experts, norms);
    }

    private static double[] row(float[] values, int row, int columns) { // (rows, columns) -> (columns)
        double[] exact = new double[columns];
        for (int column = 0; column < columns; column++) {
            exact[column] = values[row * columns + column];
        }
        return exact;
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the evidence matrices are closed");
        }
    }

    @Override
    public void close() {
        decoder.lockedUnlessClosed(() -> {
            closed = true;
            libraries.values().forEach(library -> program.run("drop_gathered", library.number()));
            libraries.clear();
            experts.values().forEach(expert -> program.run("drop_evidence", expert.number()));
            experts.clear();
            program.run("drop_evidence", number);
            residentBytes = 0;
        });
    }
}
