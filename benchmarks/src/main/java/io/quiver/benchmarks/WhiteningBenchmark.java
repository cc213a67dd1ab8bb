package io.quiver.benchmarks;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.evidence.SampleGenericRequests;
import io.quiver.decoder.evidence.UserTurn;
import io.quiver.decoder.text.ChatTemplateFile;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.decoder.torch.TorchDecoder;
import io.quiver.lora.evidence.AdapterCalibration;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.BaseCalibration;
import io.quiver.lora.evidence.CalibrateAdapter;
import io.quiver.lora.evidence.ChooseByEvidence;
import io.quiver.lora.evidence.ChooseByEvidence.ExpertLoudness;
import io.quiver.lora.evidence.EvidenceDecision;
import io.quiver.lora.evidence.ExampleComparison;
import io.quiver.lora.evidence.FitCalibration;
import io.quiver.lora.evidence.GenericRequests;
import io.quiver.lora.evidence.ModuleUpdate;
import io.quiver.lora.evidence.PointBaseline;
import io.quiver.lora.evidence.PointCalibration;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.evidence.ProbePoints;
import io.quiver.lora.evidence.SampledInputs;
import io.quiver.lora.evidence.TokenInputs;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraModule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a whitening of low rank costs in right choices, and spares in time and bytes: chooses among adapters for questions with exact
 * whitenings and with ranks from 256 down, with all of the adapters' modules and with some of them only, where choosing is harder. Prints
 * one JSON line each. Takes 5 GB of heap.
 *
 * <p>Arguments: {@code BASE_FOLDER EXPERTS_FOLDER QUESTIONS_JSON}, as of {@link EvidenceBenchmark}.
 */
public final class WhiteningBenchmark {
    private static final long SEED = 1;
    private static final int[] RANKS = {256, 128, 64, 32};

    private final Decoder decoder;
    private final UserTurn turn;
    private final List<ProbePoint> points;
    /** Modules that are left of each adapter, by their paths. */
    private final Map<String, Predicate<String>> modules;

    private final List<Question> questions = new ArrayList<>();
    private final List<Expert> experts = new ArrayList<>();

    private record Question(String skill, Map<ProbePoint, float[]> inputs) {}

    private record Expert(String name, Map<String, List<ModuleUpdate>> modules) {}

    private WhiteningBenchmark(Decoder decoder, UserTurn turn) {
        this.decoder = decoder;
        this.turn = turn;
        this.points = ProbePoints.all(decoder.config().layers());
        String first = "layers." + points.get(0).layer() + ".";
        String last = "layers." + points.get(points.size() - 1).layer() + ".";
        this.modules = new TreeMap<>(Map.of(
                "all", path -> true,
                "q and v", path -> path.endsWith("q_proj") || path.endsWith("v_proj"),
                "o", path -> path.endsWith("o_proj"),
                "down", path -> path.endsWith("down_proj"),
                "q, first probed layer", path -> path.endsWith(first + "self_attn.q_proj"),
                "q, last layer", path -> path.endsWith(last + "self_attn.q_proj"),
                "down, first probed layer", path -> path.endsWith(first + "mlp.down_proj"),
                "down, last layer", path -> path.endsWith(last + "mlp.down_proj")));
    }

    public static void main(String[] arguments) throws IOException {
        Path base = Path.of(arguments[0]);
        try (Decoder decoder = TorchDecoder.open(base, DecoderSettings.cpu(Precision.BF16, 2));
                Tokenizer tokenizer = Tokenizer.open(base)) {
            UserTurn turn = UserTurn.of(tokenizer, ChatTemplateFile.read(base));
            WhiteningBenchmark benchmark = new WhiteningBenchmark(decoder, turn);
            benchmark.readExperts(Path.of(arguments[1]));
            for (JsonNode question : new JsonMapper().readTree(Files.readAllBytes(Path.of(arguments[2])))) {
                int[] request =
                        turn.request(question.required("prompt").asString()).orElseThrow();
                benchmark.questions.add(new Question(question.required("skill").asString(), benchmark.inputs(request)));
            }
            GenericRequests requests = new SampleGenericRequests(
                            decoder, tokenizer, turn, SampleGenericRequests.Settings.DEFAULT)
                    .sample(SEED, (phase, done, total) -> {});
            Map<ProbePoint, TokenInputs.Sets> inputs = benchmark.inputs(requests);
            benchmark.measure(
                    "exact", new FitCalibration(FitCalibration.RIDGE, SEED, Integer.MAX_VALUE, 1), requests, inputs);
            for (int rank : RANKS) {
                benchmark.measure(
                        "rank " + rank, new FitCalibration(FitCalibration.RIDGE, SEED, 0, rank), requests, inputs);
            }
        }
    }

    private void readExperts(Path folder) throws IOException {
        try (Stream<Path> folders = Files.list(folder)) {
            for (Path adapterFolder : folders.sorted().toList()) {
                Map<String, List<ModuleUpdate>> updates = new TreeMap<>();
                try (LoraAdapter adapter = LoraAdapter.open(adapterFolder, AdapterLimits.DEFAULT)) {
                    for (LoraModule module : adapter.modules()) {
                        if (ProbePoint.readBy(module.path())
                                .filter(points::contains)
                                .isPresent()) {
                            updates.put(
                                    module.path(),
                                    List.of(new ModuleUpdate(
                                            module.path(),
                                            module.rank(),
                                            module.scaling(),
                                            adapter.aExact(module),
                                            adapter.bExact(module))));
                        }
                    }
                }
                experts.add(new Expert(adapterFolder.getFileName().toString(), updates));
            }
        }
    }

    /** What the points read of the tokens that count. */
    private Map<ProbePoint, float[]> inputs(int[] request) { // (tokens) -> (points) of (tokens, in)
        int first = turn.prefix().length;
        Map<ProbePoint, float[]> inputs = new TreeMap<>();
        try (Sequence sequence = decoder.open(new Routing.Base(), request.length, points)) {
            decoder.step(List.of(new Feed(sequence, request)));
            for (ProbePoint point : points) {
                inputs.put(point, decoder.inputs(sequence, point, first, request.length - first));
            }
        }
        return inputs;
    }

    private Map<ProbePoint, TokenInputs.Sets> inputs(GenericRequests requests) {
        Map<ProbePoint, TokenInputs> fit = set(requests, requests.fit());
        Map<ProbePoint, TokenInputs> statistics = set(requests, requests.statistics());
        Map<ProbePoint, TokenInputs> threshold = set(requests, requests.threshold());
        Map<ProbePoint, TokenInputs.Sets> sets = new TreeMap<>();
        points.forEach(point -> sets.put(
                point,
                new TokenInputs.Sets(
                        Objects.requireNonNull(fit.get(point)),
                        Objects.requireNonNull(statistics.get(point)),
                        Objects.requireNonNull(threshold.get(point)))));
        return sets;
    }

    private Map<ProbePoint, TokenInputs> set(GenericRequests requests, List<int[]> set) {
        int tokens = Arrays.stream(requests.contentTokens(set)).sum();
        Map<ProbePoint, float[]> values = new TreeMap<>();
        Map<ProbePoint, Integer> filled = new TreeMap<>();
        for (int[] request : set) {
            int count = request.length - requests.prefixTokens();
            inputs(request).forEach((point, rows) -> {
                float[] all = values.computeIfAbsent(point, absent -> new float[tokens * (rows.length / count)]);
                int at = filled.merge(point, rows.length, Integer::sum) - rows.length;
                System.arraycopy(rows, 0, all, at, rows.length);
            });
        }
        Map<ProbePoint, TokenInputs> inputs = new TreeMap<>();
        values.forEach((point, all) -> inputs.put(point, TokenInputs.of(all.length / tokens, all)));
        return inputs;
    }

    private void measure(
            String whitening, FitCalibration fit, GenericRequests requests, Map<ProbePoint, TokenInputs.Sets> inputs) {
        long start = System.nanoTime();
        List<PointCalibration> fitted = points.stream()
                .map(point -> fit.fit(point, Objects.requireNonNull(inputs.get(point)), requests))
                .toList();
        double seconds = (System.nanoTime() - start) / 1e9;
        BaseCalibration calibration = BaseCalibration.of(FitCalibration.ALGORITHM, "base", requests, fitted);
        modules.forEach((name, kept) -> choose(whitening, name, kept, calibration, seconds));
    }

    private void choose(
            String whitening, String name, Predicate<String> kept, BaseCalibration calibration, double fitSeconds) {
        CalibrateAdapter calibrate = new CalibrateAdapter(calibration, "calibration");
        List<AdapterEvidence> library = experts.stream()
                .map(expert -> evidence(calibrate, expert, kept, calibration))
                .toList();
        ChooseByEvidence choose = new ChooseByEvidence(calibration.baselines());
        int right = 0;
        int refused = 0;
        double lead = 0;
        for (Question question : questions) {
            EvidenceDecision decision = decide(choose, library, calibration, question);
            int own = IntStream.range(0, experts.size())
                    .filter(e -> experts.get(e).name().equals(question.skill()))
                    .findFirst()
                    .orElseThrow();
            double other = IntStream.range(0, experts.size())
                    .filter(e -> e != own)
                    .mapToDouble(e -> decision.scores()[e])
                    .max()
                    .orElseThrow();
            right += decision.best() == own ? 1 : 0;
            refused += decision.chosen().isEmpty() ? 1 : 0;
            lead += (decision.scores()[own] - other) / questions.size();
        }
        System.out.printf(
                Locale.ROOT,
                "{\"benchmark\": \"whitening\", \"whitening\": \"%s\", \"modules\": \"%s\", \"questions\": %d, \"right\": %.4f, "
                        + "\"refused\": %.4f, \"lead\": %.3f, \"fitSeconds\": %.1f}%n",
                whitening,
                name,
                questions.size(),
                (double) right / questions.size(),
                (double) refused / questions.size(),
                lead,
                fitSeconds);
    }

    private static AdapterEvidence evidence(
            CalibrateAdapter calibrate, Expert expert, Predicate<String> kept, BaseCalibration calibration) {
        List<String> paths = expert.modules().keySet().stream().filter(kept).toList();
        List<ProbePoint> measured = ProbePoints.of(paths, calibration.points().keySet());
        Map<ProbePoint, List<ModuleUpdate>> updates = new TreeMap<>();
        for (String path : paths) {
            ProbePoint point = ProbePoint.readBy(path).orElseThrow();
            if (measured.contains(point)) {
                updates.computeIfAbsent(point, absent -> new ArrayList<>())
                        .addAll(expert.modules().get(path));
            }
        }
        return ((AdapterCalibration.Calibrated) calibrate.calibrate(updates)).evidence();
    }

    private static EvidenceDecision decide(
            ChooseByEvidence choose, List<AdapterEvidence> library, BaseCalibration calibration, Question question) {
        Map<ProbePoint, SampledInputs> centred = new TreeMap<>();
        Map<ProbePoint, double[]> norms = new TreeMap<>();
        List<ExpertLoudness> loudness = new ArrayList<>();
        for (AdapterEvidence expert : library) {
            loudness.add(new ExpertLoudness(
                    expert.constants(),
                    expert.points().stream()
                            .map(point -> {
                                PointBaseline baseline = Objects.requireNonNull(
                                                calibration.points().get(point.point()))
                                        .baseline();
                                SampledInputs rows = centred.computeIfAbsent(
                                        point.point(),
                                        absent -> centred(
                                                Objects.requireNonNull(
                                                        question.inputs().get(absent)),
                                                baseline.mean()));
                                norms.computeIfAbsent(point.point(), absent -> rows.norms(baseline.directionRows()));
                                return rows.norms(point.matrix());
                            })
                            .toArray(double[][]::new)));
        }
        return choose.choose(loudness, norms, ExampleComparison.NONE, OptionalDouble.empty());
    }

    private static SampledInputs centred(float[] rows, double[] mean) { // (tokens, in), (in)
        float[] off = new float[rows.length];
        for (int i = 0; i < off.length; i++) {
            off[i] = (float) (rows[i] - mean[i % mean.length]);
        }
        return new SampledInputs(mean.length, off);
    }
}
