package io.quiver.worker;

import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.evidence.UserTurn;
import io.quiver.lora.evidence.AdapterCalibration;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.CalibrateAdapter;
import io.quiver.lora.evidence.CompareExamples;
import io.quiver.lora.evidence.ExampleCentroids;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraModule;
import io.quiver.objectstore.ContentMismatchException;
import io.quiver.objectstore.FetchObject;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectNotFoundException;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.ExamplePrompts;
import io.quiver.schemas.StoredFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Measures an adapter against its base model's calibration, and lets the base model read the adapter's examples. Thread-safe. */
public final class MeasureEvidence {
    /** What came of it. */
    sealed interface Outcome {
        /** @param examples centroids, if the adapter came with examples */
        record Measured(AdapterEvidence evidence, Optional<ExampleCentroids> examples) implements Outcome {}

        /** There is no evidence of this adapter against this calibration. */
        record NotMeasured(FailureCode code, String message) implements Outcome {}
    }

    private static final Logger LOG = LoggerFactory.getLogger(MeasureEvidence.class);

    private final FetchObject fetchObject;
    private final Path tempDir;
    private final HeldCalibration heldCalibration;
    private final HeldBase heldBase;
    private final Clock clock;

    /**
     * @param tempDir where examples lie while they are read, made if absent
     * @param clock that tells in the log how long it took
     */
    public MeasureEvidence(
            ObjectStore store, Path tempDir, HeldCalibration heldCalibration, HeldBase heldBase, Clock clock) {
        this.fetchObject = new FetchObject(store);
        this.tempDir = tempDir;
        this.heldCalibration = heldCalibration;
        this.heldBase = heldBase;
        this.clock = clock;
    }

    /**
     * Measures.
     *
     * @param work whose calibration it is
     * @throws io.quiver.objectstore.ObjectStoreException if the store failed; worth trying again
     * @throws UncheckedIOException if the connection or the disk failed; worth trying again
     */
    Outcome measure(LoraAdapter adapter, AdapterWork work, CalibrationRef calibration) {
        try {
            List<String> modules =
                    adapter.modules().stream().map(LoraModule::path).toList();
            long startMillis = clock.millis();
            CalibrateAdapter calibrate = heldCalibration.forModules(calibration, work.base(), modules);
            long loadedMillis = clock.millis();
            AdapterCalibration measured = calibrate.calibrate(adapter);
            LOG.info(
                    "measured {} against calibration {} in {} ms, which was at hand after {} ms",
                    work.digest().abbreviated(),
                    calibration.digest().abbreviated(),
                    clock.millis() - loadedMillis,
                    loadedMillis - startMillis);
            if (measured instanceof AdapterCalibration.NotMeasurable none) {
                return new Outcome.NotMeasured(FailureCode.NOT_MEASURABLE, none.reason() + "; Arrow can route to it");
            }
            if (measured instanceof AdapterCalibration.Calibrated calibrated) {
                Optional<ExampleCentroids> examples =
                        work.examples() == null ? Optional.empty() : Optional.of(centroids(work, calibration));
                return new Outcome.Measured(calibrated.evidence(), examples);
            }
            throw new IllegalStateException("unknown outcome " + measured);
        } catch (UnusableBaseException e) {
            return new Outcome.NotMeasured(e.code(), String.valueOf(e.getMessage()));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the adapter: " + e.getMessage(), e);
        }
    }

    private ExampleCentroids centroids(AdapterWork work, CalibrationRef calibration) {
        List<String> prompts = prompts(work);
        CompareExamples compare = heldCalibration.forExamples(calibration);
        return heldBase.use(work.base(), work.baseFiles(), base -> {
            UserTurn turn = UserTurn.of(base.tokenizer(), base.template());
            List<SortedMap<ProbePoint, double[]>> directions = new ArrayList<>();
            for (int i = 0; i < prompts.size(); i++) {
                int[] request = request(turn, prompts.get(i), i + 1, base);
                directions.add(compare.directions(lastInputs(base, request, compare.points())));
            }
            return compare.centroids(directions);
        });
    }

    private List<String> prompts(AdapterWork work) {
        StoredFile examples = work.examples();
        if (examples == null) {
            throw new IllegalStateException("there are no examples");
        }
        if (examples.sizeBytes() > ExamplePrompts.BYTES_MAX) {
            throw unusable("they have " + examples.sizeBytes() + " bytes");
        }
        try (TemporaryFolder folder = TemporaryFolder.in(tempDir)) {
            Path file = folder.file(ExamplePrompts.FILE);
            String hex = examples.digest().hex();
            fetchObject.fetch(ObjectKey.blob(hex), examples.sizeBytes(), hex, file);
            List<ExamplePrompts.Fault> faults = new ArrayList<>();
            List<String> prompts = ExamplePrompts.read(Files.readAllBytes(file), faults);
            if (!faults.isEmpty()) {
                throw unusable(faults.get(0).message());
            }
            return prompts;
        } catch (ObjectNotFoundException | ContentMismatchException e) {
            throw unusable(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the examples: " + e.getMessage(), e);
        }
    }

    private static int[] request(UserTurn turn, String prompt, int number, OpenBase base) { // (tokens)
        int[] request = turn.request(prompt)
                .orElseThrow(() -> unusable("the chat template makes no request of the " + number + ". of them"));
        int tokensMax = base.decoder().config().contextTokensMax();
        if (request.length > tokensMax) {
            throw unusable("the " + number + ". of them has " + request.length
                    + " tokens, and the base model's context has " + tokensMax);
        }
        return request;
    }

    /** What the base model's linear modules read of the last token. */
    private static SortedMap<ProbePoint, double[]> lastInputs( // (points) of (in)
            OpenBase base, int[] request, List<ProbePoint> points) { // (tokens)
        SortedMap<ProbePoint, double[]> inputs = new TreeMap<>();
        try (Sequence sequence = base.decoder().open(new Routing.Base(), request.length, points)) {
            base.decoder().step(List.of(new Feed(sequence, request)));
            for (ProbePoint point : points) {
                float[] last = base.decoder().inputs(sequence, point, request.length - 1, 1);
                double[] exact = new double[last.length];
                for (int i = 0; i < exact.length; i++) {
                    exact[i] = last[i];
                }
                inputs.put(point, exact);
            }
        }
        return inputs;
    }

    private static UnusableBaseException unusable(String why) {
        return new UnusableBaseException(FailureCode.EXAMPLES_UNUSABLE, "the examples cannot be used: " + why);
    }
}
