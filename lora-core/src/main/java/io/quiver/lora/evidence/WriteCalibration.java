package io.quiver.lora.evidence;

import io.quiver.lora.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.List;

/** Writes a base calibration in the form that {@link CalibrationFile} describes. */
final class WriteCalibration {
    private WriteCalibration() {}

    /** @throws IllegalArgumentException if an input is too large for its type, or a point too wide */
    static void to(OutputStream out, BaseCalibration calibration) throws IOException {
        GenericRequests requests = calibration.requests();
        SafetensorsWriter writer = new SafetensorsWriter()
                .metadata("format_version", CalibrationFile.FORMAT_VERSION)
                .metadata("algorithm", calibration.algorithm())
                .metadata("base_digest", calibration.baseDigest())
                .metadata("prefix_tokens", Integer.toString(requests.prefixTokens()))
                .first(RoutingTensors.large(calibration.points().keySet()));
        requests(writer, "fit", requests.fit());
        requests(writer, "statistics", requests.statistics());
        requests(writer, "threshold", requests.threshold());
        for (PointCalibration point : calibration.points().values()) {
            point(writer, point);
        }
        writer.writeTo(out);
    }

    private static void requests(SafetensorsWriter writer, String set, List<int[]> requests) {
        long[] tokens =
                requests.stream().flatMapToInt(Arrays::stream).asLongStream().toArray();
        long[] lengths = requests.stream().mapToLong(request -> request.length).toArray();
        writer.longs("tokens." + set, List.of((long) tokens.length), tokens)
                .longs("lengths." + set, List.of((long) lengths.length), lengths);
    }

    private static void point(SafetensorsWriter writer, PointCalibration point) {
        String name = point.point().name();
        PointBaseline baseline = point.baseline();
        long in = baseline.in();
        if (in > CalibrationFile.WIDTH_MAX) {
            throw new IllegalArgumentException(
                    name + " has " + in + " features, at most " + CalibrationFile.WIDTH_MAX + " are stored");
        }
        // A power of two: dividing by it is exact.
        double unit = Math.scalb(1.0, Math.getExponent(point.statistics().rootMeanSquare()));
        writer.doubles("mean." + name, List.of(in), baseline.mean())
                .doubles("last_mean." + name, List.of(in), point.lastMean())
                .doubles("directions." + name, List.of(in, (long) PointBaseline.DIRECTIONS), baseline.directions())
                .doubles("norm." + name, List.of(2L), new double[] {baseline.normMean(), baseline.normDeviation()})
                .doubles("unit." + name, List.of(1L), new double[] {unit})
                .doubles(
                        "norms.statistics." + name,
                        List.of((long) point.statisticsNorms().length),
                        point.statisticsNorms())
                .doubles(
                        "norms.threshold." + name,
                        List.of((long) point.thresholdNorms().length),
                        point.thresholdNorms());
        whitening(writer, name, point.whitening());
        inputs(writer, "inputs.statistics." + name, point.statistics(), unit);
        inputs(writer, "inputs.threshold." + name, point.threshold(), unit);
    }

    private static void whitening(SafetensorsWriter writer, String name, Whitening whitening) {
        long in = whitening.in();
        if (whitening instanceof Whitening.LowRank low) {
            double[] gains = new double[1 + low.gains().length];
            gains[0] = low.floor();
            System.arraycopy(low.gains(), 0, gains, 1, low.gains().length);
            writer.doubles("whitening_gains." + name, List.of((long) gains.length), gains)
                    .floats(
                            "whitening_vectors." + name,
                            List.of((long) low.gains().length, in),
                            () -> singles(low.vectors()));
        } else {
            writer.floats("whitening." + name, List.of(in, in), () -> singles(whitening.matrix()));
        }
    }

    private static float[] singles(double[] values) { // (elements)
        float[] singles = new float[values.length];
        for (int i = 0; i < singles.length; i++) {
            singles[i] = (float) values[i];
        }
        return singles;
    }

    private static void inputs(SafetensorsWriter writer, String name, CentredInputs inputs, double unit) {
        writer.halves(name, List.of((long) inputs.tokens(), (long) inputs.in()), () -> {
            float[] scaled = inputs.singles().clone();
            for (int i = 0; i < scaled.length; i++) {
                scaled[i] = (float) (scaled[i] / unit);
            }
            return scaled;
        });
    }
}
