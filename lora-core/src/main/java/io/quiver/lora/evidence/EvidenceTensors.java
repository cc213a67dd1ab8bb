package io.quiver.lora.evidence;

import io.quiver.lora.safetensors.DType;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsWriter;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.DoubleStream;

/**
 * An adapter's evidence and examples as a part of a safetensors file whose other tensors do not begin with {@code evidence.} or
 * {@code examples.}: with {@code calibration_digest}, and {@code examples} (how many) in the metadata,
 *
 * <pre>
 * evidence.matrix.P F32 (ranks, in)    evidence.loudness.P F64 (2): mean, deviation
 * evidence.memories F64 (gammas, 6): γ, centre, spread, slope, intercept, residual
 * evidence.outside F64 (requests)
 * examples.P F32 (in)
 * </pre>
 */
public final class EvidenceTensors {
    /** Memories of one adapter. */
    static final int MEMORIES_MAX = 16;

    /** Rows of the evidence matrix of one point. */
    static final int RANKS_MAX = 1 << 15;

    private static final String CALIBRATION = "calibration_digest";
    private static final String EXAMPLES = "examples";
    private static final String MATRIX = "evidence.matrix.";
    private static final String LOUDNESS = "evidence.loudness.";
    private static final String MEMORIES = "evidence.memories";
    private static final String OUTSIDE = "evidence.outside";
    private static final int CONSTANTS = 6;

    private EvidenceTensors() {}

    /** Adds evidence to a file. Matrices are rounded to single precision. */
    public static void write(AdapterEvidence evidence, SafetensorsWriter writer) {
        writer.metadata(CALIBRATION, evidence.calibrationDigest());
        for (PointEvidence point : evidence.points()) {
            String name = point.point().name();
            writer.floats(MATRIX + name, List.of((long) point.rank(), (long) point.in()), () -> singles(point.matrix()))
                    .doubles(LOUDNESS + name, List.of(2L), new double[] {point.mean(), point.deviation()});
        }
        double[] constants = evidence.memories().stream()
                .flatMapToDouble(one -> DoubleStream.of(
                        one.gamma(), one.centre(), one.spread(), one.slope(), one.intercept(), one.residual()))
                .toArray();
        writer.doubles(MEMORIES, List.of((long) evidence.memories().size(), (long) CONSTANTS), constants)
                .doubles(OUTSIDE, List.of((long) evidence.outside().length), evidence.outside());
    }

    /** Adds examples to a file that has evidence. */
    public static void write(ExampleCentroids examples, SafetensorsWriter writer) {
        writer.metadata(EXAMPLES, Integer.toString(examples.examples()));
        examples.centroids()
                .forEach((point, centroid) -> writer.floats(
                        "examples." + point.name(), List.of((long) centroid.length), () -> singles(centroid)));
    }

    private static float[] singles(double[] values) { // (elements)
        float[] singles = new float[values.length];
        for (int i = 0; i < singles.length; i++) {
            singles[i] = (float) values[i];
        }
        return singles;
    }

    /** @throws IllegalArgumentException if it is not there, incomplete or cannot be */
    public static AdapterEvidence readEvidence(SafetensorsFile file) throws IOException {
        StrictTensors tensors = new StrictTensors(file);
        List<PointEvidence> points = new ArrayList<>();
        for (ProbePoint point : evidencePoints(file)) {
            long[] sizes = tensors.sizes(MATRIX + point.name(), 2);
            if (sizes[0] < 1 || sizes[0] > RANKS_MAX || sizes[1] < 1 || sizes[1] > CalibrationFile.WIDTH_MAX) {
                throw new IllegalArgumentException("the evidence matrix of " + point + " is (" + sizes[0] + ", "
                        + sizes[1] + "), at most (" + RANKS_MAX + ", " + CalibrationFile.WIDTH_MAX + ") is read");
            }
            double[] loudness = tensors.doubles(LOUDNESS + point.name(), DType.F64, 2);
            points.add(new PointEvidence(
                    point,
                    (int) sizes[0],
                    tensors.doubles(MATRIX + point.name(), DType.F32, sizes),
                    loudness[0],
                    loudness[1]));
        }
        long requests = tensors.sizes(OUTSIDE, 1)[0];
        if (requests > GenericRequests.REQUESTS_MAX) {
            throw new IllegalArgumentException(
                    "there are " + requests + " threshold requests, at most " + GenericRequests.REQUESTS_MAX);
        }
        return new AdapterEvidence(
                calibrationDigest(file), points, readMemories(tensors), tensors.doubles(OUTSIDE, DType.F64, requests));
    }

    private static List<MemoryConstants> readMemories(StrictTensors tensors) throws IOException {
        long count = tensors.sizes(MEMORIES, 2)[0];
        if (count > MEMORIES_MAX) {
            throw new IllegalArgumentException("there are " + count + " memories, at most " + MEMORIES_MAX);
        }
        double[] values = tensors.doubles(MEMORIES, DType.F64, count, CONSTANTS);
        List<MemoryConstants> memories = new ArrayList<>();
        for (int i = 0; i < values.length; i += CONSTANTS) {
            memories.add(new MemoryConstants(
                    values[i], values[i + 1], values[i + 2], values[i + 3], values[i + 4], values[i + 5]));
        }
        return memories;
    }

    private static TreeSet<ProbePoint> evidencePoints(SafetensorsFile file) {
        TreeSet<ProbePoint> points = new TreeSet<>();
        for (TensorInfo tensor : file.header().tensors()) {
            String name = tensor.name();
            if (name.startsWith(MATRIX)) {
                points.add(ProbePoint.named(name.substring(MATRIX.length())));
            } else if (name.startsWith(LOUDNESS)) {
                points.add(ProbePoint.named(name.substring(LOUDNESS.length())));
            } else if (name.startsWith("evidence.") && !name.equals(MEMORIES) && !name.equals(OUTSIDE)) {
                throw new IllegalArgumentException("unknown tensor " + name);
            }
        }
        return points;
    }

    private static String calibrationDigest(SafetensorsFile file) {
        String digest = file.header().metadata().get(CALIBRATION);
        if (digest == null || digest.isEmpty()) {
            throw new IllegalArgumentException("the metadata has no " + CALIBRATION);
        }
        return digest;
    }

    /**
     * Empty if the file has none.
     *
     * @throws IllegalArgumentException if they are incomplete or cannot be
     */
    public static Optional<ExampleCentroids> readExamples(SafetensorsFile file) throws IOException {
        StrictTensors tensors = new StrictTensors(file);
        TreeMap<ProbePoint, double[]> centroids = new TreeMap<>();
        for (TensorInfo tensor : file.header().tensors()) {
            if (tensor.name().startsWith("examples.")) {
                long in = tensors.sizes(tensor.name(), 1)[0];
                if (in > CalibrationFile.WIDTH_MAX) {
                    throw new IllegalArgumentException(tensor.name() + " has " + in + " features, at most "
                            + CalibrationFile.WIDTH_MAX + " are read");
                }
                centroids.put(
                        ProbePoint.named(tensor.name().substring("examples.".length())),
                        tensors.doubles(tensor.name(), DType.F32, in));
            }
        }
        String count = file.header().metadata().get(EXAMPLES);
        if (count == null && centroids.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(
                    new ExampleCentroids(calibrationDigest(file), Integer.parseInt(String.valueOf(count)), centroids));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("the metadata says " + count + " examples", e);
        }
    }
}
