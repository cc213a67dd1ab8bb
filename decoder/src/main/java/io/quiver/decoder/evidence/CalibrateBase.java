package io.quiver.decoder.evidence;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.evidence.CalibrationProgress.Phase;
import io.quiver.decoder.text.ChatTemplate;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.lora.evidence.BaseCalibration;
import io.quiver.lora.evidence.FitCalibration;
import io.quiver.lora.evidence.GenericRequests;
import io.quiver.lora.evidence.PointCalibration;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.evidence.ProbePoints;
import io.quiver.lora.evidence.TokenInputs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Calibrates a base model for the evidence gate: samples generic requests from it, lets it read them, and fits what it did at every
 * point of the probed layers. Done twice on one machine it gives the same bits; on another one the requests may be others
 * ({@link SampleGenericRequests}), which is why a calibration is made once and shared.
 */
public final class CalibrateBase {
    private final Decoder decoder;
    private final Settings settings;
    private final SampleGenericRequests sampleRequests;

    /**
     * How a base is calibrated.
     *
     * @param inputBytesMax of inputs held at once; points that do not fit together are read in several rounds, one point at least
     *     in each
     */
    public record Settings(long seed, SampleGenericRequests.Settings requests, long inputBytesMax) {
        public Settings {
            if (inputBytesMax < 1) {
                throw new IllegalArgumentException("inputs need room, not " + inputBytesMax + " bytes");
            }
        }

        /** As many requests as were measured to be enough, and half a gigabyte for inputs. */
        public static Settings seeded(long seed) {
            return new Settings(seed, SampleGenericRequests.Settings.DEFAULT, 512L << 20);
        }
    }

    /**
     * Prepares the calibration of a base.
     *
     * @param decoder of the base; no experts are used. One without kernels is the better choice where others use the machine too:
     *     the kernels' threads wait for each other in short steps
     * @param template of the base; without one requests are plain texts
     */
    public CalibrateBase(Decoder decoder, Tokenizer tokenizer, Optional<ChatTemplate> template, Settings settings) {
        this.decoder = decoder;
        this.settings = settings;
        this.sampleRequests =
                new SampleGenericRequests(decoder, tokenizer, UserTurn.of(tokenizer, template), settings.requests());
    }

    /**
     * Calibrates. Takes a minute for a model of 135 million parameters on two cores.
     *
     * @param baseDigest {@code sha256:…} of the base model
     * @throws IllegalStateException if the model does not say enough different things
     */
    public BaseCalibration calibrate(String baseDigest, CalibrationProgress progress) {
        GenericRequests requests = sampleRequests.sample(settings.seed(), progress);
        FitCalibration fit = new FitCalibration(settings.seed());
        List<ProbePoint> points = ProbePoints.all(decoder.config().layers());
        List<PointCalibration> fitted = new ArrayList<>();
        for (List<ProbePoint> round : rounds(points, requests)) {
            Deque<TokenInputs.Sets> inputs = new ReadGenericRequests(decoder, requests, round, progress).read();
            for (ProbePoint point : round) {
                progress.reached(Phase.FIT, fitted.size(), points.size());
                fitted.add(fit.fit(point, inputs.remove(), requests));
            }
            progress.reached(Phase.FIT, fitted.size(), points.size());
        }
        return BaseCalibration.of(FitCalibration.ALGORITHM, baseDigest, requests, fitted);
    }

    /** The points in groups whose inputs fit in memory. */
    private List<List<ProbePoint>> rounds(List<ProbePoint> points, GenericRequests requests) {
        long tokens = Stream.of(requests.fit(), requests.statistics(), requests.threshold())
                .flatMapToInt(set -> Arrays.stream(requests.contentTokens(set)))
                .sum();
        List<List<ProbePoint>> rounds = new ArrayList<>();
        long bytes = 0;
        for (ProbePoint point : points) {
            long more = tokens * Float.BYTES * width(point);
            if (rounds.isEmpty() || bytes + more > settings.inputBytesMax()) {
                rounds.add(new ArrayList<>());
                bytes = 0;
            }
            rounds.get(rounds.size() - 1).add(point);
            bytes += more;
        }
        return rounds;
    }

    /** Features of an input of the point. */
    private long width(ProbePoint point) {
        return switch (point.place()) {
            case ATTENTION_IN, MLP_IN -> decoder.config().hidden();
            case ATTENTION_OUT ->
                (long) decoder.config().heads() * decoder.config().headDim();
            case MLP_MID -> decoder.config().intermediate();
        };
    }
}
