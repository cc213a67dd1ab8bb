package io.quiver.lora.evidence;

import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.SafetensorsWriter;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Makes one calibration file of several with different points, tensor by tensor, as {@link CalibrationFile#join} says. */
final class JoinCalibrations {
    private JoinCalibrations() {}

    static void to(OutputStream out, List<Path> parts) throws IOException {
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("there is nothing to join");
        }
        List<SafetensorsFile> open = new ArrayList<>();
        try {
            SafetensorsWriter writer = new SafetensorsWriter();
            List<ProbePoint> points = new ArrayList<>();
            for (Path part : parts) {
                // Complete and nothing else.
                points.addAll(CalibrationFile.points(part));
                SafetensorsFile file = SafetensorsFile.open(part, SafetensorsLimits.ADAPTER);
                open.add(file);
                add(file, open.get(0), writer);
            }
            writer.first(RoutingTensors.large(points)).writeTo(out);
        } catch (UncheckedIOException e) {
            throw new IOException("a part cannot be read: " + e.getMessage(), e);
        } finally {
            for (SafetensorsFile file : open) {
                file.close();
            }
        }
    }

    private static void add(SafetensorsFile file, SafetensorsFile first, SafetensorsWriter writer) throws IOException {
        if (file == first) {
            file.header().metadata().forEach(writer::metadata);
        } else if (!file.header().metadata().equals(first.header().metadata())) {
            throw new IllegalArgumentException("the parts have different metadata");
        }
        for (TensorInfo tensor : file.header().tensors()) {
            if (tensor.name().contains(".layers.") || file == first) {
                writer.tensor(tensor.name(), tensor.dtype(), tensor.shape(), () -> bytes(file, tensor));
            } else if (!file.bytes(tensor.name()).equals(first.bytes(tensor.name()))) {
                throw new IllegalArgumentException("the parts were computed from different requests");
            }
        }
    }

    private static byte[] bytes(SafetensorsFile file, TensorInfo tensor) {
        try {
            ByteBuffer buffer = file.bytes(tensor.name());
            byte[] bytes = new byte[buffer.remaining()];
            buffer.get(bytes);
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
