package io.quiver.decoder.evidence;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.evidence.CalibrationProgress.Phase;
import io.quiver.decoder.text.ChatTemplate;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.lora.evidence.BaseCalibration;
import io.quiver.lora.evidence.CalibrationFile;
import io.quiver.lora.evidence.FitCalibration;
import io.quiver.lora.evidence.GenericRequests;
import io.quiver.lora.evidence.PointCalibration;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.evidence.ProbePoints;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Calibrates a base model for the evidence gate: samples generic requests from it, lets it read them, and fits what it did at every
 * point of the probed layers. Done twice on one machine it gives the same bits; on another one the requests may be others
 * ({@link SampleGenericRequests}), which is why a calibration is made once and shared.
 */
public final class CalibrateBase {
    private final Decoder decoder;
    private final Settings settings;
    private final SampleGenericRequests sampleRequests;

    /** How a base is calibrated. */
    public record Settings(long seed, SampleGenericRequests.Settings requests) {
        /** As many requests as were measured to be enough. */
        public static Settings seeded(long seed) {
            return new Settings(seed, SampleGenericRequests.Settings.DEFAULT);
        }
    }

    /**
     * Prepares the calibration of a base.
     *
     * @param decoder of the base; no experts are used. With kernels: without them every number of texts and of tokens is another shape,
     *     which libtorch prepares for anew, and sampling takes several times as long
     * @param template of the base; without one requests are plain texts
     */
    public CalibrateBase(Decoder decoder, Tokenizer tokenizer, Optional<ChatTemplate> template, Settings settings) {
        this.decoder = decoder;
        this.settings = settings;
        this.sampleRequests =
                new SampleGenericRequests(decoder, tokenizer, UserTurn.of(tokenizer, template), settings.requests());
    }

    /**
     * Calibrates. Takes a minute of processor time for a model of 135 million parameters. Memory holds one point, at most about 30 bytes a
     * feature and token of {@code fit}; the disk holds the inputs of all, 4 bytes a feature and token, and the file twice.
     *
     * @param baseDigest {@code sha256:…} of the base model
     * @param folder that exists; what this puts there is gone afterwards
     * @param out takes a {@link CalibrationFile}; not closed
     * @throws IllegalStateException if the model does not say enough different things
     * @throws IOException if the disk or the stream failed
     */
    public void calibrate(String baseDigest, Path folder, OutputStream out, CalibrationProgress progress)
            throws IOException {
        GenericRequests requests = sampleRequests.sample(settings.seed(), progress);
        List<ProbePoint> points = ProbePoints.all(decoder.config().layers());
        FitCalibration fit = new FitCalibration(settings.seed());
        List<Path> parts = new ArrayList<>();
        try (SpilledInputs inputs = new SpilledInputs(folder, points)) {
            new ReadGenericRequests(decoder, requests, points, inputs, progress).read();
            for (ProbePoint point : points) {
                progress.reached(Phase.FIT, parts.size(), points.size());
                PointCalibration fitted = fit.fit(point, inputs.take(point, requests), requests);
                Path part = folder.resolve(point.name() + ".part");
                parts.add(part);
                try (OutputStream file = new BufferedOutputStream(Files.newOutputStream(part))) {
                    CalibrationFile.write(
                            BaseCalibration.of(FitCalibration.ALGORITHM, baseDigest, requests, List.of(fitted)), file);
                }
            }
            CalibrationFile.join(parts, out);
            progress.reached(Phase.FIT, parts.size(), points.size());
        } finally {
            for (Path part : parts) {
                Files.deleteIfExists(part);
            }
        }
    }
}
