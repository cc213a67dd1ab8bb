package io.quiver.lora.evidence;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** A base model made up from a seed: requests, inputs at a few points, and adapters for them. */
final class RandomBase {
    static final String DIGEST = "sha256:" + "cd".repeat(32);
    static final List<ProbePoint> POINTS = List.of(
            new ProbePoint(0, InputPlace.ATTENTION_IN),
            new ProbePoint(0, InputPlace.MLP_IN),
            new ProbePoint(1, InputPlace.ATTENTION_IN),
            new ProbePoint(1, InputPlace.MLP_MID));
    static final int PREFIX = 2;

    private final long seed;
    final GenericRequests requests;
    final Map<ProbePoint, TokenInputs.Sets> inputs = new TreeMap<>();

    RandomBase(long seed) {
        this(seed, 0);
    }

    /** @param shift added to every input */
    RandomBase(long seed, double shift) {
        this.seed = seed;
        Random random = new Random(seed);
        requests = new GenericRequests(PREFIX, texts(random, 12), texts(random, 10), texts(random, 8));
        for (ProbePoint point : POINTS) {
            inputs.put(
                    point,
                    new TokenInputs.Sets(
                            rows(random, point, requests.fit(), shift),
                            rows(random, point, requests.statistics(), shift),
                            rows(random, point, requests.threshold(), shift)));
        }
    }

    static int width(ProbePoint point) {
        return point.place() == InputPlace.MLP_MID ? 13 : 8;
    }

    private static List<int[]> texts(Random random, int count) { // (count) of (tokens)
        List<int[]> texts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] text = random.ints(PREFIX + 1 + random.nextInt(9), 0, 100).toArray();
            Arrays.fill(text, 0, PREFIX, 7);
            texts.add(text);
        }
        return texts;
    }

    private TokenInputs rows(Random random, ProbePoint point, List<int[]> texts, double shift) {
        int in = width(point);
        double[] values =
                new double[Arrays.stream(requests.contentTokens(texts)).sum() * in];
        for (int i = 0; i < values.length; i++) {
            values[i] = shift + i % in + random.nextGaussian() * (1 + i % in);
        }
        return TokenInputs.of(in, values);
    }

    BaseCalibration calibration() {
        FitCalibration fit = new FitCalibration(seed);
        return BaseCalibration.of(
                FitCalibration.ALGORITHM,
                "sha256:" + "ef".repeat(32),
                requests,
                POINTS.stream()
                        .map(point -> fit.fit(point, inputs.get(point), requests))
                        .toList());
    }

    /** The same from inputs in single precision. */
    BaseCalibration singleCalibration() {
        FitCalibration fit = new FitCalibration(seed);
        return BaseCalibration.of(
                FitCalibration.ALGORITHM,
                "sha256:" + "ef".repeat(32),
                requests,
                POINTS.stream()
                        .map(point -> fit.fit(
                                point,
                                new TokenInputs.Sets(
                                        single(inputs.get(point).fit()),
                                        single(inputs.get(point).statistics()),
                                        single(inputs.get(point).threshold())),
                                requests))
                        .toList());
    }

    static TokenInputs single(TokenInputs inputs) {
        double[] exact = ((TokenInputs.Exact) inputs).values();
        float[] values = new float[exact.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) exact[i];
        }
        return TokenInputs.of(inputs.in(), values);
    }

    /** Updates at the first points, of ranks 1 to 4, one or two modules each. */
    static Map<ProbePoint, List<ModuleUpdate>> adapter(long seed, int points, double factor) {
        Random random = new Random(seed);
        Map<ProbePoint, List<ModuleUpdate>> adapter = new TreeMap<>();
        for (ProbePoint point : POINTS.subList(0, points)) {
            List<ModuleUpdate> modules = new ArrayList<>();
            for (int module = 0; module <= random.nextInt(2); module++) {
                int rank = 1 + random.nextInt(4);
                int out = 3 + random.nextInt(6);
                modules.add(new ModuleUpdate(
                        "module" + module,
                        rank,
                        factor,
                        random.doubles((long) rank * width(point), -1, 1).toArray(),
                        random.doubles((long) out * rank, -1, 1).toArray()));
            }
            adapter.put(point, modules);
        }
        return adapter;
    }

    static AdapterEvidence measure(BaseCalibration base, Map<ProbePoint, List<ModuleUpdate>> adapter) {
        return ((AdapterCalibration.Calibrated) new CalibrateAdapter(base, DIGEST).calibrate(adapter)).evidence();
    }

    /** The file of a calibration. */
    static byte[] file(BaseCalibration calibration) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            CalibrationFile.write(calibration, out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
