package io.quiver.lora.evidence;

import io.quiver.lora.safetensors.DType;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsHeader;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;

/**
 * A base calibration as a file: safetensors, with {@code format_version}, {@code algorithm}, {@code base_digest} and
 * {@code prefix_tokens} in its metadata. For each set of requests {@code tokens.<set>} I64 (tokens) and {@code lengths.<set>} I64
 * (requests); for each point
 *
 * <pre>
 * mean.P F64 (in)        last_mean.P F64 (in)       directions.P F64 (in, 8)      norm.P F64 (2): mean, deviation
 * whitening.P F32 (in, in);  or, of low rank, whitening_vectors.P F32 (rank, in) and whitening_gains.P F64 (1 + rank): floor, gains
 * inputs.statistics.P F16 (tokens, in), in units of unit.P F64 (1);  norms.statistics.P F64 (tokens);  the same for threshold
 * </pre>
 *
 * The {@link RoutingTensors} lie at the beginning. Equal content gives equal bytes. Inputs are rounded to eleven bits, whitenings to single precision: who measures adapters reads
 * the file, so that all measure against the same.
 */
public final class CalibrationFile {
    /** Larger files are refused. The largest model that is calibrated at all its points stays below. */
    public static final long BYTES_MAX = 16L << 30;

    /** Features of a point. */
    public static final int WIDTH_MAX = 1 << 15;

    static final String FORMAT_VERSION = "1";
    private static final List<String> SETS = List.of("fit", "statistics", "threshold");
    private static final Set<String> PARTS =
            Set.of("mean", "last_mean", "directions", "norm", "unit", "inputs", "norms");

    private CalibrationFile() {}

    /**
     * Writes a calibration. One tensor at a time is encoded.
     *
     * @throws IllegalArgumentException if an input is more than 65504 times as large as usual
     */
    public static void write(BaseCalibration calibration, OutputStream out) throws IOException {
        WriteCalibration.to(out, calibration);
    }

    /**
     * Writes one file of several that have different points of one calibration: the bytes that {@link #write} gives for all points
     * together. One tensor at a time is in memory.
     *
     * @param parts at least one
     * @throws InvalidCalibrationFileException if one is no such file
     * @throws IllegalArgumentException if there are none, or they are of different calibrations, or have the same point
     */
    public static void join(List<Path> parts, OutputStream out) throws IOException {
        JoinCalibrations.to(out, parts);
    }

    /**
     * Reads a calibration with everything that adapters are measured against.
     *
     * @param wanted points that are read; others, and those that the file does not have, are left out. Of the rest of the file
     *     the header is checked
     * @throws InvalidCalibrationFileException if it is another file or version, or has none of the points
     * @throws io.quiver.lora.safetensors.InvalidSafetensorsException if it is not valid safetensors
     */
    public static BaseCalibration read(Path path, Collection<ProbePoint> wanted) throws IOException {
        return open(path, SafetensorsFile::open, (file, tensors) -> {
            GenericRequests requests = readRequests(file, tensors);
            int statistics =
                    Arrays.stream(requests.contentTokens(requests.statistics())).sum();
            int threshold =
                    Arrays.stream(requests.contentTokens(requests.threshold())).sum();
            List<PointCalibration> points = new ArrayList<>();
            for (ProbePoint point : points(file.header())) {
                if (wanted.contains(point)) {
                    points.add(readPoint(tensors, point, statistics, threshold));
                }
            }
            return BaseCalibration.of(required(file, "algorithm"), required(file, "base_digest"), requests, points);
        });
    }

    /** The points that a file has, in order; throws as {@link #read}. */
    public static List<ProbePoint> points(Path path) throws IOException {
        return open(path, SafetensorsFile::open, (file, tensors) -> List.copyOf(points(file.header())));
    }

    /** What requests are compared with, at all points, in order; of a whole file or its {@link RoutingTensors}. Throws as {@link #read}. */
    public static List<PointBaseline> readBaselines(Path path) throws IOException {
        return open(path, SafetensorsFile::openBeginning, (file, tensors) -> {
            List<PointBaseline> baselines = new ArrayList<>();
            for (ProbePoint point : points(file.header())) {
                baselines.add(readBaseline(tensors, point));
            }
            return baselines;
        });
    }

    /** What example prompts are compared with, at the points for examples, in order; as {@link #readBaselines}. */
    public static List<CompareExamples.Frame> readFrames(Path path) throws IOException {
        return open(path, SafetensorsFile::openBeginning, (file, tensors) -> {
            List<CompareExamples.Frame> frames = new ArrayList<>();
            for (ProbePoint point : ProbePoints.forExamples(points(file.header()))) {
                int in = width(tensors, point);
                frames.add(new CompareExamples.Frame(
                        point,
                        tensors.doubles("last_mean." + point.name(), DType.F64, in),
                        readWhitening(tensors, point, in)));
            }
            return frames;
        });
    }

    private interface Reading<T> {
        T of(SafetensorsFile file, StrictTensors tensors) throws IOException;
    }

    private interface Opening {
        SafetensorsFile of(Path path, SafetensorsLimits limits) throws IOException;
    }

    private static <T> T open(Path path, Opening opening, Reading<T> reading) throws IOException {
        if (Files.size(path) > BYTES_MAX) {
            throw new InvalidCalibrationFileException(
                    "the file has " + Files.size(path) + " bytes, at most " + BYTES_MAX + " are read");
        }
        try (SafetensorsFile file = opening.of(path, SafetensorsLimits.ADAPTER)) {
            String version = file.header().metadata().get("format_version");
            if (!FORMAT_VERSION.equals(version) || !file.header().metadata().containsKey("prefix_tokens")) {
                throw new InvalidCalibrationFileException("not a calibration of version " + FORMAT_VERSION
                        + ": its metadata says " + file.header().metadata().keySet() + ", version " + version);
            }
            return reading.of(file, new StrictTensors(file));
        } catch (IllegalArgumentException e) {
            throw new InvalidCalibrationFileException(String.valueOf(e.getMessage()));
        }
    }

    private static String required(SafetensorsFile file, String key) {
        SortedMap<String, String> metadata = file.header().metadata();
        String value = metadata.get(key);
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException("the metadata has no " + key + ": " + metadata.keySet());
        }
        return value;
    }

    /** All points, each of which must be complete; nothing else may be there. */
    static TreeSet<ProbePoint> points(SafetensorsHeader header) {
        TreeSet<ProbePoint> points = new TreeSet<>();
        Set<String> known = new HashSet<>();
        SETS.forEach(set -> known.addAll(List.of("tokens." + set, "lengths." + set)));
        for (TensorInfo tensor : header.tensors()) {
            int layers = tensor.name().indexOf(".layers.");
            if (layers > 0) {
                points.add(ProbePoint.named(tensor.name().substring(layers + 1)));
            }
        }
        for (ProbePoint point : points) {
            if (header.find("whitening_gains." + point.name()).isPresent()) {
                known.addAll(List.of("whitening_gains." + point.name(), "whitening_vectors." + point.name()));
            } else {
                known.add("whitening." + point.name());
            }
            for (String part : PARTS) {
                if (part.equals("inputs") || part.equals("norms")) {
                    known.add(part + ".statistics." + point.name());
                    known.add(part + ".threshold." + point.name());
                } else {
                    known.add(part + "." + point.name());
                }
            }
        }
        for (TensorInfo tensor : header.tensors()) {
            if (!known.contains(tensor.name())) {
                throw new IllegalArgumentException("unknown tensor " + tensor.name());
            }
        }
        for (String name : new TreeSet<>(known)) {
            if (header.find(name).isEmpty()) {
                throw new IllegalArgumentException("the tensor " + name + " is missing");
            }
        }
        if (points.isEmpty()) {
            throw new IllegalArgumentException("there is no point");
        }
        return points;
    }

    private static GenericRequests readRequests(SafetensorsFile file, StrictTensors tensors) throws IOException {
        int prefix;
        try {
            prefix = Integer.parseInt(required(file, "prefix_tokens"));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("prefix_tokens is no number", e);
        }
        return new GenericRequests(
                prefix, readTexts(tensors, "fit"), readTexts(tensors, "statistics"), readTexts(tensors, "threshold"));
    }

    private static List<int[]> readTexts(StrictTensors tensors, String set)
            throws IOException { // (requests) of (tokens)
        int[] lengths = tensors.ints("lengths." + set, GenericRequests.REQUESTS_MAX);
        int[] tokens = tensors.ints("tokens." + set, (long) GenericRequests.REQUESTS_MAX * GenericRequests.TOKENS_MAX);
        List<int[]> texts = new ArrayList<>();
        int from = 0;
        for (int length : lengths) {
            if (length < 1 || length > tokens.length - from) {
                throw new IllegalArgumentException("a request of the set " + set + " has " + length + " tokens");
            }
            texts.add(Arrays.copyOfRange(tokens, from, from + length));
            from += length;
        }
        if (from != tokens.length) {
            throw new IllegalArgumentException("the requests of the set " + set + " have " + from + " tokens, but "
                    + tokens.length + " are stored");
        }
        return texts;
    }

    private static int width(StrictTensors tensors, ProbePoint point) {
        long in = tensors.sizes("mean." + point.name(), 1)[0];
        if (in < 1 || in > WIDTH_MAX) {
            throw new IllegalArgumentException(point + " has " + in + " features, at most " + WIDTH_MAX + " are read");
        }
        return (int) in;
    }

    private static PointBaseline readBaseline(StrictTensors tensors, ProbePoint point) throws IOException {
        int in = width(tensors, point);
        double[] norm = tensors.doubles("norm." + point.name(), DType.F64, 2);
        return new PointBaseline(
                point,
                tensors.doubles("mean." + point.name(), DType.F64, in),
                tensors.doubles("directions." + point.name(), DType.F64, in, PointBaseline.DIRECTIONS),
                norm[0],
                norm[1]);
    }

    private static Whitening readWhitening(StrictTensors tensors, ProbePoint point, int in) throws IOException {
        String name = point.name();
        if (!tensors.has("whitening_gains." + name)) {
            return new Whitening.Full(in, tensors.doubles("whitening." + name, DType.F32, in, in));
        }
        long gains = tensors.sizes("whitening_gains." + name, 1)[0];
        if (gains < 2 || gains > in + 1L) {
            throw new IllegalArgumentException("the tensor whitening_gains." + name + " has " + gains + " elements");
        }
        double[] values = tensors.doubles("whitening_gains." + name, DType.F64, gains);
        return new Whitening.LowRank(
                in,
                values[0],
                Arrays.copyOfRange(values, 1, values.length),
                tensors.doubles("whitening_vectors." + name, DType.F32, gains - 1, in));
    }

    private static PointCalibration readPoint(StrictTensors tensors, ProbePoint point, int statistics, int threshold)
            throws IOException {
        PointBaseline baseline = readBaseline(tensors, point);
        int in = baseline.in();
        String name = point.name();
        double unit = tensors.doubles("unit." + name, DType.F64, 1)[0];
        if (!(unit > 0)) {
            throw new IllegalArgumentException("the unit of " + name + " is " + unit);
        }
        return new PointCalibration(
                baseline,
                readWhitening(tensors, point, in),
                tensors.doubles("last_mean." + name, DType.F64, in),
                readInputs(tensors, "inputs.statistics." + name, statistics, in, unit),
                readInputs(tensors, "inputs.threshold." + name, threshold, in, unit),
                tensors.doubles("norms.statistics." + name, DType.F64, statistics),
                tensors.doubles("norms.threshold." + name, DType.F64, threshold));
    }

    private static SampledInputs readInputs(StrictTensors tensors, String name, int tokens, int in, double unit)
            throws IOException {
        float[] values = tensors.floats(name, DType.F16, tokens, in);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (values[i] * unit);
        }
        return new SampledInputs(in, values);
    }
}
