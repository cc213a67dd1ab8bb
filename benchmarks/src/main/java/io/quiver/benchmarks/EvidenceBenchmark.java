package io.quiver.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.EvidenceMatrices;
import io.quiver.decoder.EvidenceMatrices.Loudness;
import io.quiver.decoder.EvidenceMatrices.Resident;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.evidence.CalibrateBase;
import io.quiver.decoder.evidence.CalibrationProgress.Phase;
import io.quiver.decoder.evidence.UserTurn;
import io.quiver.decoder.text.ChatTemplateFile;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.decoder.torch.TorchDecoder;
import io.quiver.lora.evidence.AdapterCalibration;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.BaseCalibration;
import io.quiver.lora.evidence.CalibrateAdapter;
import io.quiver.lora.evidence.CalibrationFile;
import io.quiver.lora.evidence.ChooseByEvidence;
import io.quiver.lora.evidence.EvidenceDecision;
import io.quiver.lora.evidence.ExampleComparison;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.evidence.ProbePoints;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How often the evidence gate chooses the right expert, and what it costs: calibrates a base model and adapters on it, then lets the bare
 * base read questions and chooses. Last, the loudness of a library of 64 over a prompt of 128 tokens. Prints one JSON line each.
 *
 * <p>With kernels, as in a worker: without them sampling takes several times as long.
 *
 * <p>Arguments: {@code BASE_FOLDER EXPERTS_FOLDER QUESTIONS_JSON [bf16|fp32] [threads] [seed]}. The experts' folder has one folder an
 * adapter; a question is an object with {@code prompt} and, in {@code skill}, the folder of the adapter that it is for.
 */
public final class EvidenceBenchmark {
    private static final String CALIBRATION_DIGEST = "sha256:" + "0".repeat(64);
    private static final int LIBRARY = 64;
    private static final int PROMPT_TOKENS = 128;
    private static final int ROUNDS = 20;

    private final Decoder decoder;
    private final UserTurn turn;
    private final List<String> names = new ArrayList<>();
    private final List<AdapterEvidence> evidence = new ArrayList<>();

    private EvidenceBenchmark(Decoder decoder, UserTurn turn) {
        this.decoder = decoder;
        this.turn = turn;
    }

    public static void main(String[] arguments) throws IOException {
        Path base = Path.of(arguments[0]);
        Precision precision = arguments.length > 3 && arguments[3].equals("fp32") ? Precision.FP32 : Precision.BF16;
        int threads = arguments.length > 4 ? Integer.parseInt(arguments[4]) : 2;
        long seed = arguments.length > 5 ? Long.parseLong(arguments[5]) : 1;
        DecoderSettings settings = DecoderSettings.cpu(precision, threads);
        try (Decoder decoder = TorchDecoder.open(base, settings);
                Tokenizer tokenizer = Tokenizer.open(base)) {
            var template = ChatTemplateFile.read(base);
            EvidenceBenchmark benchmark = new EvidenceBenchmark(decoder, UserTurn.of(tokenizer, template));
            BaseCalibration calibration = benchmark.calibrate(
                    new CalibrateBase(decoder, tokenizer, template, CalibrateBase.Settings.seeded(seed)), tokenizer);
            benchmark.measureAdapters(new CalibrateAdapter(calibration, CALIBRATION_DIGEST), Path.of(arguments[1]));
            JsonNode questions = new JsonMapper().readTree(Files.readAllBytes(Path.of(arguments[2])));
            try (EvidenceMatrices matrices = decoder.openEvidence(calibration.baselines())) {
                benchmark.ask(questions, matrices, new ChooseByEvidence(calibration.baselines()));
                benchmark.loudness(matrices);
            }
        }
    }

    private BaseCalibration calibrate(CalibrateBase calibrate, Tokenizer tokenizer) throws IOException {
        Map<Phase, Double> seconds = new EnumMap<>(Phase.class);
        Map<Phase, Double> cpuSeconds = new EnumMap<>(Phase.class);
        long[] last = {System.nanoTime(), cpuNanos()};
        long start = last[0];
        Path folder = Files.createTempDirectory("calibration");
        Path file = folder.resolve("calibration.safetensors");
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
            calibrate.calibrate(CALIBRATION_DIGEST, folder, out, (phase, done, total) -> {
                long now = System.nanoTime();
                long cpuNow = cpuNanos();
                seconds.merge(phase, (now - last[0]) / 1e9, Double::sum);
                cpuSeconds.merge(phase, (cpuNow - last[1]) / 1e9, Double::sum);
                last[0] = now;
                last[1] = cpuNow;
            });
        }
        long end = System.nanoTime();
        List<ProbePoint> points = CalibrationFile.points(file);
        BaseCalibration calibration =
                CalibrationFile.read(file, ProbePoints.usual(decoder.config().layers()));
        long fileBytes = Files.size(file);
        double readMillis = (System.nanoTime() - end) / 1e6;
        Files.delete(file);
        Files.delete(folder);
        System.out.printf(
                Locale.ROOT,
                "{\"benchmark\": \"calibrate base\", \"points\": %d, \"prefixTokens\": %d, \"fitTokens\": %d, \"fileBytes\": %d, "
                        + "\"readFileMillis\": %.0f, "
                        + "\"seconds\": %.1f, \"sample\": %.1f, \"read\": %.1f, \"fit\": %.1f, "
                        + "\"cpuSeconds\": {\"sample\": %.1f, \"read\": %.1f, \"fit\": %.1f}}%n",
                points.size(),
                calibration.requests().prefixTokens(),
                Arrays.stream(calibration
                                .requests()
                                .contentTokens(calibration.requests().fit()))
                        .sum(),
                fileBytes,
                readMillis,
                (end - start) / 1e9,
                seconds.get(Phase.SAMPLE),
                seconds.get(Phase.READ),
                seconds.get(Phase.FIT),
                cpuSeconds.get(Phase.SAMPLE),
                cpuSeconds.get(Phase.READ),
                cpuSeconds.get(Phase.FIT));
        for (int[] request : calibration.requests().fit().subList(0, 5)) {
            System.out.println("# " + tokenizer.decode(request, true).replace('\n', ' '));
        }
        return calibration;
    }

    /** Processor time of this process, all threads: on a machine that is shared it says more than the clock. */
    private static long cpuNanos() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private void measureAdapters(CalibrateAdapter calibrate, Path folder) throws IOException {
        try (Stream<Path> folders = Files.list(folder)) {
            for (Path adapterFolder : folders.sorted().toList()) {
                long start = System.nanoTime();
                try (LoraAdapter adapter = LoraAdapter.open(adapterFolder, AdapterLimits.DEFAULT)) {
                    if (calibrate.calibrate(adapter) instanceof AdapterCalibration.Calibrated calibrated) {
                        names.add(adapterFolder.getFileName().toString());
                        evidence.add(calibrated.evidence());
                    }
                }
                System.out.printf(
                        Locale.ROOT,
                        "{\"benchmark\": \"calibrate adapter\", \"adapter\": \"%s\", \"millis\": %.0f}%n",
                        adapterFolder.getFileName(),
                        (System.nanoTime() - start) / 1e6);
            }
        }
    }

    private List<Resident> library(EvidenceMatrices matrices, int size) {
        List<Resident> library = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            library.add(matrices.load(names.get(i % names.size()) + i / names.size(), evidence.get(i % names.size())));
        }
        return library;
    }

    private void ask(JsonNode questions, EvidenceMatrices matrices, ChooseByEvidence choose) {
        List<Resident> library = library(matrices, names.size());
        int first = turn.prefix().length;
        int right = 0;
        int refused = 0;
        List<Double> passMillis = new ArrayList<>();
        List<Double> loudnessMillis = new ArrayList<>();
        List<Double> chooseMillis = new ArrayList<>();
        for (JsonNode question : questions) {
            int[] tokens = turn.request(question.required("prompt").asString()).orElseThrow();
            try (Sequence sequence = decoder.open(
                    new Routing.Base(),
                    tokens.length,
                    ProbePoints.usual(decoder.config().layers()))) {
                long start = System.nanoTime();
                decoder.step(List.of(new Feed(sequence, tokens)));
                long read = System.nanoTime();
                Loudness loudness = matrices.loudness(sequence, first, library);
                long heard = System.nanoTime();
                EvidenceDecision decision = choose.choose(
                        loudness.experts(), loudness.norms(), ExampleComparison.NONE, OptionalDouble.empty());
                passMillis.add((read - start) / 1e6);
                loudnessMillis.add((heard - read) / 1e6);
                chooseMillis.add((System.nanoTime() - heard) / 1e6);
                boolean best = names.get(decision.best())
                        .equals(question.required("skill").asString());
                right += best ? 1 : 0;
                refused += best && decision.chosen().isEmpty() ? 1 : 0;
                if (!best) {
                    System.out.println("# chose " + names.get(decision.best()) + " for " + question);
                }
            }
        }
        System.out.printf(
                Locale.ROOT,
                "{\"benchmark\": \"choose\", \"experts\": %d, \"questions\": %d, \"right\": %.4f, \"rightButRefused\": %.4f, "
                        + "\"passMillis\": %.1f, \"loudnessMillis\": %.2f, \"chooseMillis\": %.2f}%n",
                names.size(),
                questions.size(),
                (double) right / questions.size(),
                (double) refused / questions.size(),
                RandomDecoder.quantile(passMillis, 0.5),
                RandomDecoder.quantile(loudnessMillis, 0.5),
                RandomDecoder.quantile(chooseMillis, 0.5));
    }

    private void loudness(EvidenceMatrices matrices) {
        List<Resident> library = library(matrices, LIBRARY);
        int[] tokens = new Random(1)
                .ints(PROMPT_TOKENS, 0, decoder.config().vocabulary())
                .toArray();
        List<Double> plainMillis = new ArrayList<>();
        List<Double> passMillis = new ArrayList<>();
        List<Double> loudnessMillis = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
            long start = System.nanoTime();
            try (Sequence plain = decoder.open(new Routing.Base(), PROMPT_TOKENS)) {
                decoder.step(List.of(new Feed(plain, tokens)));
            }
            plainMillis.add((System.nanoTime() - start) / 1e6);
            start = System.nanoTime();
            try (Sequence sequence = decoder.open(
                    new Routing.Base(),
                    PROMPT_TOKENS,
                    ProbePoints.usual(decoder.config().layers()))) {
                decoder.step(List.of(new Feed(sequence, tokens)));
                passMillis.add((System.nanoTime() - start) / 1e6);
                start = System.nanoTime();
                matrices.loudness(sequence, 0, library);
                loudnessMillis.add((System.nanoTime() - start) / 1e6);
            }
        }
        System.out.printf(
                Locale.ROOT,
                "{\"benchmark\": \"loudness\", \"experts\": %d, \"tokens\": %d, \"expertBytes\": %d, \"plainPassMillis\": %.1f, "
                        + "\"keepingPassMillis\": %.1f, \"loudnessMillis\": %.2f}%n",
                LIBRARY,
                PROMPT_TOKENS,
                library.get(0).residentBytes(),
                RandomDecoder.quantile(plainMillis, 0.5),
                RandomDecoder.quantile(passMillis, 0.5),
                RandomDecoder.quantile(loudnessMillis, 0.5));
    }
}
