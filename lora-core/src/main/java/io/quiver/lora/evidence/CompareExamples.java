package io.quiver.lora.evidence;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Compares prompts with the example prompts of adapters: by the direction of W(x − x̄), x the input of the prompt's last token
 * and x̄ that of generic requests. Immutable.
 */
public final class CompareExamples {
    private final String calibrationDigest;
    private final SortedMap<ProbePoint, Frame> frames = new TreeMap<>();

    /**
     * Where directions are taken from at one point.
     *
     * @param lastMean x̄ // (in)
     * @param whitening W // (in, in)
     */
    public record Frame(ProbePoint point, double[] lastMean, Whitening whitening) {
        public Frame {
            if (lastMean.length != whitening.in()) {
                throw new IllegalArgumentException("the mean of " + point + " has " + lastMean.length
                        + " features, its whitening " + whitening.in());
            }
        }
    }

    /** @param calibrationDigest {@code sha256:…} of the calibration that the frames are from */
    public CompareExamples(String calibrationDigest, Collection<Frame> frames) {
        this.calibrationDigest = calibrationDigest;
        frames.forEach(frame -> this.frames.put(frame.point(), frame));
        if (this.frames.isEmpty()) {
            throw new IllegalArgumentException("examples are compared at one point at least");
        }
    }

    /** The points at which prompts are compared, in order. */
    public List<ProbePoint> points() {
        return List.copyOf(frames.keySet());
    }

    /**
     * The directions of one prompt.
     *
     * @param last inputs of the prompt's last token, at {@link #points()} // (points) of (in)
     * @return unit vectors; zero where the input is x̄ itself // (points) of (in)
     * @throws IllegalArgumentException if inputs are missing, of another width or not finite
     */
    public SortedMap<ProbePoint, double[]> directions(Map<ProbePoint, double[]> last) {
        TreeMap<ProbePoint, double[]> directions = new TreeMap<>();
        frames.forEach((point, frame) -> {
            double[] input = last.get(point);
            int in = frame.whitening().in();
            if (input == null || input.length != in) {
                throw new IllegalArgumentException("there is no input of " + in + " features at " + point);
            }
            double[] off = new double[in];
            for (int i = 0; i < in; i++) {
                off[i] = input[i] - frame.lastMean()[i];
            }
            directions.put(point, unit(frame.whitening().times(off), point));
        });
        return directions;
    }

    private static double[] unit(double[] vector, ProbePoint point) { // (in)
        double square = 0;
        for (double component : vector) {
            square += component * component;
        }
        if (!Double.isFinite(square)) {
            throw new IllegalArgumentException("an input of " + point + " is not finite");
        }
        double[] unit = vector.clone();
        for (int i = 0; i < unit.length; i++) {
            unit[i] = square > 0 ? vector[i] / Math.sqrt(square) : 0;
        }
        return unit;
    }

    /**
     * The centroids of an adapter's examples.
     *
     * @param examples directions of each prompt // (examples) of (points) of (in)
     * @throws IllegalArgumentException if there are fewer than {@link ExampleCentroids#EXAMPLES_MIN}, or they cancel out
     */
    public ExampleCentroids centroids(List<SortedMap<ProbePoint, double[]>> examples) {
        TreeMap<ProbePoint, double[]> centroids = new TreeMap<>();
        frames.forEach((point, frame) -> {
            double[] sum = new double[frame.whitening().in()];
            for (SortedMap<ProbePoint, double[]> example : examples) {
                double[] direction = example.get(point);
                if (direction == null || direction.length != sum.length) {
                    throw new IllegalArgumentException("an example has no direction at " + point);
                }
                for (int i = 0; i < sum.length; i++) {
                    sum[i] += direction[i];
                }
            }
            centroids.put(point, unit(sum, point));
        });
        return new ExampleCentroids(calibrationDigest, examples.size(), centroids);
    }

    /**
     * How alike a prompt and an adapter's examples are: the mean over the points of the cosine, -1 to 1.
     *
     * @param directions of the prompt // (points) of (in)
     * @throws IllegalArgumentException if the centroids are of another calibration or of other points
     */
    public double similarity(ExampleCentroids examples, SortedMap<ProbePoint, double[]> directions) {
        check(examples);
        if (!directions.keySet().equals(frames.keySet())) {
            throw new IllegalArgumentException(
                    "there are directions at " + directions.keySet() + ", not at " + frames.keySet());
        }
        double sum = 0;
        for (Map.Entry<ProbePoint, double[]> centroid : examples.centroids().entrySet()) {
            sum += dot(centroid.getValue(), Objects.requireNonNull(directions.get(centroid.getKey())));
        }
        return sum / examples.centroids().size();
    }

    /** @throws IllegalArgumentException if examples are of another calibration or of other points */
    void check(ExampleCentroids examples) {
        if (!examples.calibrationDigest().equals(calibrationDigest)
                || !examples.centroids().keySet().equals(frames.keySet())) {
            throw new IllegalArgumentException("the examples were measured against " + examples.calibrationDigest()
                    + " at " + examples.centroids().keySet() + ", not " + calibrationDigest + " at " + frames.keySet());
        }
    }

    static double dot(double[] x, double[] y) { // (in), (in)
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += x[i] * y[i];
        }
        return sum;
    }
}
