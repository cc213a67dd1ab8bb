package io.quiver.decoder.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.evidence.CalibrationProgress.Phase;
import io.quiver.decoder.text.ChatTemplateFile;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.decoder.torch.TorchDecoder;
import io.quiver.lora.evidence.BaseCalibration;
import io.quiver.lora.evidence.CalibrationFile;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.evidence.ProbePoints;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrateBaseTest {
    private static final String DIGEST = "sha256:" + "0".repeat(64);
    private static final SampleGenericRequests.Settings FEW = new SampleGenericRequests.Settings(20, 9, 7, 10, 8);

    private static final CalibrationProgress UNHEARD = (phase, done, total) -> {};

    @TempDir
    Path folder;

    private TorchDecoder decoder;
    private Tokenizer tokenizer;

    @BeforeEach
    void open() throws IOException {
        decoder = SampleGenericRequestsTest.decoder();
        tokenizer = Tokenizer.open(UserTurnTest.folder());
    }

    @AfterEach
    void close() {
        tokenizer.close();
        decoder.close();
    }

    private byte[] calibrate(CalibrationProgress progress) throws IOException {
        var settings = new CalibrateBase.Settings(3, FEW);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new CalibrateBase(decoder, tokenizer, ChatTemplateFile.read(UserTurnTest.folder()), settings)
                .calibrate(DIGEST, folder, bytes, progress);
        return bytes.toByteArray();
    }

    private BaseCalibration calibration() throws IOException {
        Path file = folder.resolve("calibration.safetensors");
        Files.write(file, calibrate(UNHEARD));
        return CalibrationFile.read(file, ProbePoints.all(3));
    }

    @Test
    void the_mean_of_a_point_is_that_of_requests_read_one_by_one() throws IOException {
        BaseCalibration calibration = calibration();
        assertThat(calibration.points()).containsOnlyKeys(ProbePoints.all(3));
        int prefix = calibration.requests().prefixTokens();
        for (ProbePoint point : calibration.points().keySet()) {
            double[] mean =
                    new double[calibration.points().get(point).baseline().in()];
            int tokens = 0;
            for (int[] request : calibration.requests().fit()) {
                try (Sequence sequence = decoder.open(new Routing.Base(), 100, List.of(point))) {
                    decoder.step(List.of(new Feed(sequence, request)));
                    float[] inputs = decoder.inputs(sequence, point, prefix, request.length - prefix);
                    for (int i = 0; i < inputs.length; i++) {
                        mean[i % mean.length] += inputs[i];
                    }
                    tokens += request.length - prefix;
                }
            }
            for (int i = 0; i < mean.length; i++) {
                assertThat(calibration.points().get(point).baseline().mean()[i])
                        .isEqualTo(mean[i] / tokens, within(1e-5));
            }
        }
        assertThat(decoder.cacheBytes()).isZero();
    }

    @Test
    void calibrating_again_gives_the_same_bytes_and_leaves_nothing_on_the_disk() throws IOException {
        assertThat(calibrate(UNHEARD)).isEqualTo(calibrate(UNHEARD));
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void what_breaks_off_leaves_nothing_on_the_disk() {
        for (Phase broken : Phase.values()) {
            assertThatThrownBy(() -> calibrate((phase, done, total) -> {
                        if (phase == broken && done > 0) {
                            throw new IllegalStateException("enough");
                        }
                    }))
                    .hasMessage("enough");
            assertThat(folder).isEmptyDirectory();
        }
    }

    @Test
    void progress_tells_of_every_phase_to_its_end() throws IOException {
        List<String> ends = new ArrayList<>();
        Phase[] last = {Phase.SAMPLE};
        calibrate((phase, done, total) -> {
            assertThat(phase).isGreaterThanOrEqualTo(last[0]);
            last[0] = phase;
            if (done == total) {
                ends.add(phase + " " + total);
            }
        });
        assertThat(ends).containsExactly("SAMPLE 36", "READ 36", "FIT 12");
    }
}
