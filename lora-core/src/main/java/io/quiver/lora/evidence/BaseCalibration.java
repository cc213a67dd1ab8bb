package io.quiver.lora.evidence;

import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a base model does on generic requests, at the points that the evidence gate looks at. Once per base model.
 *
 * @param algorithm what computed it, such as {@link FitCalibration#ALGORITHM}
 * @param baseDigest {@code sha256:…} of the base model
 * @param requests that it was computed from
 * @param points at least one
 */
public record BaseCalibration(
        String algorithm, String baseDigest, GenericRequests requests, SortedMap<ProbePoint, PointCalibration> points) {
    public BaseCalibration {
        points = Collections.unmodifiableSortedMap(new TreeMap<>(points));
        if (points.isEmpty()) {
            throw new IllegalArgumentException("a calibration has at least one point");
        }
        int statistics =
                Arrays.stream(requests.contentTokens(requests.statistics())).sum();
        int threshold =
                Arrays.stream(requests.contentTokens(requests.threshold())).sum();
        points.forEach((point, calibration) -> {
            if (!calibration.point().equals(point)) {
                throw new IllegalArgumentException(
                        "the calibration of " + calibration.point() + " stands for " + point);
            }
            if (calibration.statistics().tokens() != statistics
                    || calibration.threshold().tokens() != threshold) {
                throw new IllegalArgumentException(
                        "the calibration of " + point + " has other tokens than the generic requests");
            }
        });
    }

    /** @param points each point once */
    public static BaseCalibration of(
            String algorithm, String baseDigest, GenericRequests requests, Collection<PointCalibration> points) {
        TreeMap<ProbePoint, PointCalibration> byPoint = new TreeMap<>();
        for (PointCalibration calibration : points) {
            if (byPoint.put(calibration.point(), calibration) != null) {
                throw new IllegalArgumentException("the point " + calibration.point() + " is calibrated twice");
            }
        }
        return new BaseCalibration(algorithm, baseDigest, requests, byPoint);
    }

    /** What requests are compared with, in the order of the points. */
    public List<PointBaseline> baselines() {
        return points.values().stream().map(PointCalibration::baseline).toList();
    }
}
