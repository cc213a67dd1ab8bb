package io.quiver.decoder.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.EvidenceMatrices;
import io.quiver.decoder.EvidenceMatrices.Loudness;
import io.quiver.decoder.EvidenceMatrices.Resident;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.torch.TorchDecoder;
import io.quiver.lora.evidence.AdapterCalibration;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.BaseCalibration;
import io.quiver.lora.evidence.CalibrateAdapter;
import io.quiver.lora.evidence.ChooseByEvidence;
import io.quiver.lora.evidence.EvidenceDecision;
import io.quiver.lora.evidence.ExampleComparison;
import io.quiver.lora.evidence.FitCalibration;
import io.quiver.lora.evidence.GenericRequests;
import io.quiver.lora.evidence.InputPlace;
import io.quiver.lora.evidence.ModuleUpdate;
import io.quiver.lora.evidence.PointCalibration;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraModule;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The evidence gate from token ids to the choice, held to reference values in float64. */
class EvidenceGoldenTest {
    @TempDir
    Path folder;

    private static final double TOLERANCE = 1e-4;
    private static final String DIGEST = "sha256:" + "0".repeat(64);

    private JsonNode golden;
    private SafetensorsFile expected;

    private static Path path(String name) {
        try {
            return Path.of(EvidenceGoldenTest.class.getResource("/fixtures").toURI())
                    .resolve(name);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int[] ids(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .mapToInt(JsonNode::asInt)
                .toArray();
    }

    private List<int[]> set(String name) {
        return StreamSupport.stream(golden.required("requests").required(name).spliterator(), false)
                .map(EvidenceGoldenTest::ids)
                .toList();
    }

    private List<ProbePoint> points() {
        return StreamSupport.stream(golden.required("probed").spliterator(), false)
                .map(point -> new ProbePoint(
                        point.required("layer").intValue(),
                        InputPlace.named(point.required("point").stringValue()).orElseThrow()))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"same-shape", "mixed"})
    void requests_read_by_the_decoder_give_the_scores_and_choices_of_the_reference(String name) throws IOException {
        golden = new JsonMapper().readTree(Files.readAllBytes(path("evidence/" + name + "/case.json")));
        try (SafetensorsFile file = SafetensorsFile.open(
                        path("evidence/" + name + "/expected.safetensors"), SafetensorsLimits.BASE_MODEL);
                Decoder decoder = TorchDecoder.open(path("models/llama"), DecoderSettings.cpu(Precision.FP32, 2))) {
            expected = file;
            BaseCalibration calibration = calibrate(decoder);
            List<AdapterEvidence> adapters = measure(calibration);
            try (EvidenceMatrices matrices = decoder.openEvidence(calibration.baselines())) {
                List<Resident> library = new ArrayList<>();
                for (AdapterEvidence adapter : adapters) {
                    library.add(matrices.load("expert " + library.size(), adapter));
                }
                ChooseByEvidence choose = new ChooseByEvidence(calibration.baselines());
                JsonNode prompts = golden.required("prompts");
                assertThat(prompts).hasSizeGreaterThan(5);
                for (int n = 0; n < prompts.size(); n++) {
                    Loudness loudness = hear(decoder, matrices, library, prompts.get(n));
                    EvidenceDecision decision = choose.choose(
                            loudness.experts(), loudness.norms(), ExampleComparison.NONE, OptionalDouble.empty());
                    check(n, prompts.get(n), decision);
                }
            }
        }
    }

    private BaseCalibration calibrate(Decoder decoder) throws IOException {
        GenericRequests requests = new GenericRequests(
                golden.required("prefix").intValue(), set("fit"), set("statistics"), set("threshold"));
        List<ProbePoint> points = points();
        FitCalibration fit = new FitCalibration(golden.required("ridge").doubleValue(), 1);
        List<PointCalibration> fitted = new ArrayList<>();
        try (SpilledInputs inputs = new SpilledInputs(folder, points)) {
            new ReadGenericRequests(decoder, requests, points, inputs, (phase, done, total) -> {}).read();
            for (ProbePoint point : points) {
                PointCalibration calibrated = fit.fit(
                        point, inputs.take(point, requests), requests, expected.doubles("directions." + point.name()));
                assertThat(calibrated.baseline().mean())
                        .containsExactly(expected.doubles("mean." + point.name()), within(1e-5));
                fitted.add(calibrated);
            }
        }
        return BaseCalibration.of(FitCalibration.ALGORITHM, DIGEST, requests, fitted);
    }

    private List<AdapterEvidence> measure(BaseCalibration calibration) throws IOException {
        List<Double> gammas = StreamSupport.stream(golden.required("gammas").spliterator(), false)
                .map(JsonNode::doubleValue)
                .toList();
        CalibrateAdapter calibrate = new CalibrateAdapter(calibration, DIGEST, gammas);
        List<AdapterEvidence> measured = new ArrayList<>();
        for (JsonNode name : golden.required("experts")) {
            try (LoraAdapter adapter = LoraAdapter.open(path(name.stringValue()), AdapterLimits.DEFAULT)) {
                Map<ProbePoint, List<ModuleUpdate>> updates = new LinkedHashMap<>();
                for (LoraModule module : adapter.modules()) {
                    ProbePoint point = ProbePoint.readBy(module.path()).orElseThrow();
                    if (calibration.points().containsKey(point)) {
                        updates.computeIfAbsent(point, any -> new ArrayList<>())
                                .add(new ModuleUpdate(
                                        module.path(),
                                        module.rank(),
                                        module.scaling(),
                                        adapter.aExact(module),
                                        adapter.bExact(module)));
                    }
                }
                measured.add(((AdapterCalibration.Calibrated) calibrate.calibrate(updates)).evidence());
            }
        }
        return measured;
    }

    private static Loudness hear(Decoder decoder, EvidenceMatrices matrices, List<Resident> library, JsonNode prompt) {
        int[] ids = ids(prompt.required("ids"));
        try (Sequence sequence = decoder.open(new Routing.Base(), ids.length, matrices.points())) {
            decoder.step(List.of(new Feed(sequence, ids)));
            return matrices.loudness(sequence, prompt.required("turn_start").intValue(), library);
        }
    }

    private void check(int n, JsonNode prompt, EvidenceDecision decision) throws IOException {
        int experts = decision.readings().size();
        double[] evidence = expected.doubles("evidence." + n); // (tokens, experts)
        double[] memories = expected.doubles("memory." + n); // (gammas, experts)
        double[] scores = expected.doubles("score." + n); // (experts)
        double[] standOuts = expected.doubles("stand_out." + n); // (experts)
        for (int e = 0; e < experts; e++) {
            var reading = decision.readings().get(e);
            assertThat(reading.evidence()).hasSize(evidence.length / experts);
            for (int t = 0; t < reading.evidence().length; t++) {
                assertThat(reading.evidence()[t]).isEqualTo(evidence[t * experts + e], within(TOLERANCE));
            }
            for (int i = 0; i < reading.memories().length; i++) {
                assertThat(reading.memories()[i]).isEqualTo(memories[i * experts + e], within(TOLERANCE));
            }
            assertThat(reading.score()).isEqualTo(scores[e], within(TOLERANCE));
            assertThat(reading.standOut()).isEqualTo(standOuts[e], within(TOLERANCE));
        }
        assertThat(decision.best()).isEqualTo(prompt.required("best").intValue());
        assertThat(decision.chosen().isPresent())
                .isEqualTo(prompt.required("routed").booleanValue());
    }
}
