package io.quiver.lora.evidence;

import io.quiver.lora.safetensors.SafetensorsHeader;
import io.quiver.lora.safetensors.TensorInfo;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/**
 * The tensors of a calibration file that a router reads: of every point what requests are compared with, and of the points for
 * examples what these are compared with. A fortieth of a file or less: what adapters are measured with is the rest.
 */
public final class RoutingTensors {
    private RoutingTensors() {}

    /**
     * Bytes from the beginning of the file to the end of the last such tensor. Files that were written in another order of tensors
     * have more than others.
     *
     * @param header of a calibration file
     * @throws InvalidCalibrationFileException if it is of another file
     */
    public static long endBytes(SafetensorsHeader header) {
        try {
            Collection<ProbePoint> points = CalibrationFile.points(header);
            List<String> names = new ArrayList<>(large(points));
            for (ProbePoint point : points) {
                names.addAll(List.of("mean." + point, "directions." + point, "norm." + point));
            }
            for (ProbePoint point : ProbePoints.forExamples(points)) {
                names.addAll(List.of("last_mean." + point, "whitening_gains." + point));
            }
            Set<String> read = Set.copyOf(names);
            long dataBytes = header.tensors().stream()
                    .filter(tensor -> read.contains(tensor.name()))
                    .mapToLong(TensorInfo::endBytes)
                    .max()
                    .orElseThrow();
            return header.dataOffsetBytes() + dataBytes;
        } catch (IllegalArgumentException e) {
            throw new InvalidCalibrationFileException(String.valueOf(e.getMessage()));
        }
    }

    /** Those that do not lie among the first ones anyway, since their elements are not of the widest type. */
    static List<String> large(Collection<ProbePoint> points) {
        return ProbePoints.forExamples(points).stream()
                .flatMap(point -> List.of("whitening." + point, "whitening_vectors." + point).stream())
                .toList();
    }
}
