package io.quiver.benchmarks;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.EvidenceMatrices;
import io.quiver.decoder.EvidenceMatrices.Loudness;
import io.quiver.decoder.EvidenceMatrices.Resident;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.evidence.CalibrateBase;
import io.quiver.decoder.evidence.SampleGenericRequests;
import io.quiver.decoder.text.ChatTemplateFile;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.decoder.torch.TorchDecoder;
import io.quiver.lora.evidence.AdapterCalibration;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.BaseCalibration;
import io.quiver.lora.evidence.CalibrateAdapter;
import io.quiver.lora.evidence.CalibrationFile;
import io.quiver.lora.evidence.ChooseByEvidence;
import io.quiver.lora.evidence.ExampleComparison;
import io.quiver.lora.evidence.ProbePoints;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What routing by evidence costs beside the base alone, batch 1: the time to the first token of a prompt, read for the first time,
 * as the next turn of a conversation whose bare pass was kept, and with all of it kept, and the time of a decode step, over libraries of 8, 64 and 256. Cases take turns in short rounds; the
 * median counts. Prints one JSON line a case, with ratios to the base in the same run.
 *
 * <p>The base is calibrated with a few requests only: that changes who is chosen, not what choosing costs.
 *
 * <p>Arguments: {@code BASE_FOLDER EXPERTS_FOLDER [prompt tokens] [threads] [rounds]}. The experts' folder has one folder an adapter; larger
 * libraries hold each of them several times, with evidence matrices of their own.
 */
public final class EvidenceCostBenchmark {
    private static final String CALIBRATION_DIGEST = "sha256:" + "0".repeat(64);
    private static final int[] LIBRARIES = {8, 64, 256};
    private static final int ROUND_TOKENS = 16;
    /** Tokens that a conversation grows by: only they are read by the bare base, and only they bring evidence. */
    private static final int TURN_TOKENS = 32;

    private final Decoder decoder;
    private final int[] prompt; // (tokens)
    private final Case base = new Case("base");

    /** What was measured: milliseconds to first tokens, of them for the bare pass, the loudness and the choice, and of decode steps. */
    private record Case(
            String name,
            List<Double> firstMillis,
            List<Double> bareMillis,
            List<Double> loudnessMillis,
            List<Double> choiceMillis,
            List<Double> stepMillis) {
        Case(String name) {
            this(name, new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        }

        void forget() {
            List.of(firstMillis, bareMillis, loudnessMillis, choiceMillis, stepMillis)
                    .forEach(List::clear);
        }
    }

    /** Experts that are resident with their evidence, and what is needed to choose among them. */
    private record Library(
            ChooseByEvidence choose,
            EvidenceMatrices matrices,
            List<Resident> evidence,
            List<Expert> experts,
            Case cold,
            Case turn,
            Case kept) {}

    private EvidenceCostBenchmark(Decoder decoder, int[] prompt) {
        this.decoder = decoder;
        this.prompt = prompt;
    }

    public static void main(String[] arguments) throws IOException {
        Path model = Path.of(arguments[0]);
        int tokens = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 128;
        int threads = arguments.length > 3 ? Integer.parseInt(arguments[3]) : 2;
        int rounds = arguments.length > 4 ? Integer.parseInt(arguments[4]) : 12;
        try (Decoder decoder = TorchDecoder.open(model, DecoderSettings.cpu(Precision.BF16, threads));
                Tokenizer tokenizer = Tokenizer.open(model)) {
            int[] words = tokenizer.encode("Which day does this sentence talk about? ", false);
            int[] prompt =
                    IntStream.range(0, tokens).map(i -> words[i % words.length]).toArray();
            CalibrateBase.Settings few =
                    new CalibrateBase.Settings(1, new SampleGenericRequests.Settings(24, 16, 16, 32, 32));
            BaseCalibration calibration =
                    calibrate(new CalibrateBase(decoder, tokenizer, ChatTemplateFile.read(model), few));
            EvidenceCostBenchmark benchmark = new EvidenceCostBenchmark(decoder, prompt);
            try (EvidenceMatrices matrices = decoder.openEvidence(calibration.baselines())) {
                benchmark.measure(benchmark.libraries(calibration, matrices, Path.of(arguments[1])), rounds);
            }
        }
    }

    private static BaseCalibration calibrate(CalibrateBase calibrate) throws IOException {
        Path folder = Files.createTempDirectory("calibration");
        Path file = folder.resolve("calibration.safetensors");
        try {
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
                calibrate.calibrate(CALIBRATION_DIGEST, folder, out, (phase, done, total) -> {});
            }
            return CalibrationFile.read(file, CalibrationFile.points(file));
        } finally {
            Files.deleteIfExists(file);
            Files.delete(folder);
        }
    }

    private List<Library> libraries(BaseCalibration calibration, EvidenceMatrices matrices, Path folder)
            throws IOException {
        List<AdapterEvidence> distinct = new ArrayList<>();
        List<Expert> experts = new ArrayList<>();
        CalibrateAdapter calibrate = new CalibrateAdapter(calibration, CALIBRATION_DIGEST);
        try (Stream<Path> folders = Files.list(folder)) {
            for (Path adapterFolder : folders.sorted().toList()) {
                try (LoraAdapter adapter = LoraAdapter.open(adapterFolder, AdapterLimits.DEFAULT)) {
                    if (calibrate.calibrate(adapter) instanceof AdapterCalibration.Calibrated calibrated) {
                        distinct.add(calibrated.evidence());
                        experts.add(decoder.load("sha256:%064d".formatted(experts.size()), adapterFolder, Map.of()));
                    }
                }
            }
        }
        List<Resident> all = new ArrayList<>();
        for (int i = 0; i < LIBRARIES[LIBRARIES.length - 1]; i++) {
            all.add(matrices.load("expert " + i, distinct.get(i % distinct.size())));
        }
        ChooseByEvidence choose = new ChooseByEvidence(calibration.baselines());
        return Arrays.stream(LIBRARIES)
                .mapToObj(size -> new Library(
                        choose,
                        matrices,
                        all.subList(0, size),
                        experts,
                        new Case("evidence-" + size),
                        new Case("evidence-" + size + ", next turn of " + TURN_TOKENS),
                        new Case("evidence-" + size + ", bare pass kept")))
                .toList();
    }

    private void measure(List<Library> libraries, int rounds) {
        List<Case> cases = new ArrayList<>(List.of(base));
        libraries.forEach(library -> cases.addAll(List.of(library.cold(), library.turn(), library.kept())));
        for (int round = 0; round <= rounds; round++) {
            long start = System.nanoTime();
            answer(base, start, new Routing.Base());
            for (Library library : libraries) {
                start = System.nanoTime();
                try (Sequence bare = read()) {
                    library.cold().bareMillis().add((System.nanoTime() - start) / 1e6);
                    answer(library.cold(), start, choose(library, library.cold(), bare, 0));
                    start = System.nanoTime();
                    try (Sequence turn = readOn(bare)) {
                        library.turn().bareMillis().add((System.nanoTime() - start) / 1e6);
                        answer(
                                library.turn(),
                                start,
                                choose(library, library.turn(), turn, prompt.length - TURN_TOKENS));
                    }
                    start = System.nanoTime();
                    answer(library.kept(), start, choose(library, library.kept(), bare, 0));
                }
            }
            if (round == 0) { // which warms up
                cases.forEach(Case::forget);
            }
        }
        cases.forEach(this::print);
    }

    private Sequence read() {
        Sequence bare = decoder.open(
                new Routing.Base(),
                prompt.length,
                ProbePoints.usual(decoder.config().layers()));
        decoder.step(List.of(new Feed(bare, prompt)));
        return bare;
    }

    /** Reads the last turn behind what was kept of a prompt. */
    private Sequence readOn(Sequence bare) {
        int kept = prompt.length - TURN_TOKENS;
        Sequence turn = decoder.fork(bare, kept, prompt.length);
        decoder.step(List.of(new Feed(turn, Arrays.copyOfRange(prompt, kept, prompt.length))));
        return turn;
    }

    private static Routing choose(Library library, Case measured, Sequence bare, int first) {
        long start = System.nanoTime();
        Loudness loudness = library.matrices().loudness(bare, first, library.evidence());
        long heard = System.nanoTime();
        measured.loudnessMillis().add((heard - start) / 1e6);
        int best = library.choose()
                .choose(loudness.experts(), loudness.norms(), ExampleComparison.NONE, OptionalDouble.of(0))
                .best();
        measured.choiceMillis().add((System.nanoTime() - heard) / 1e6);
        Expert chosen = library.experts().get(best % library.experts().size());
        return new Routing.Fixed(List.of(chosen), List.of(1.0));
    }

    private void answer(Case measured, long start, Routing routing) {
        try (Sequence sequence = decoder.open(routing, prompt.length + ROUND_TOKENS)) {
            float[] logits =
                    decoder.step(List.of(new Feed(sequence, prompt))).get(0).logits();
            measured.firstMillis().add((System.nanoTime() - start) / 1e6);
            for (int i = 0; i < ROUND_TOKENS; i++) {
                long step = System.nanoTime();
                int token = RandomDecoder.argmax(logits);
                logits = decoder.step(List.of(new Feed(sequence, new int[] {token})))
                        .get(0)
                        .logits();
                measured.stepMillis().add((System.nanoTime() - step) / 1e6);
            }
        }
    }

    private void print(Case measured) {
        double first = RandomDecoder.quantile(measured.firstMillis(), 0.5);
        double step = RandomDecoder.quantile(measured.stepMillis(), 0.5);
        System.out.printf(
                Locale.ROOT,
                "{\"benchmark\": \"evidence cost\", \"case\": \"%s\", \"promptTokens\": %d, \"firstMillis\": %.1f, "
                        + "\"firstRatio\": %.2f, \"bareMillis\": %.1f, \"loudnessMillis\": %.1f, \"choiceMillis\": %.1f, \"stepMillis\": %.2f, \"stepRatio\": %.2f}%n",
                measured.name(),
                prompt.length,
                first,
                first / RandomDecoder.quantile(base.firstMillis(), 0.5),
                middle(measured.bareMillis()),
                middle(measured.loudnessMillis()),
                middle(measured.choiceMillis()),
                step,
                step / RandomDecoder.quantile(base.stepMillis(), 0.5));
    }

    private static double middle(List<Double> millis) {
        return millis.isEmpty() ? 0 : RandomDecoder.quantile(millis, 0.5);
    }
}
