package io.quiver.decoder.evidence;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.evidence.CalibrationProgress.Phase;
import io.quiver.lora.evidence.GenericRequests;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.evidence.TokenInputs;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/** Lets the bare base read generic requests and collects what its linear modules read of the tokens that count. */
final class ReadGenericRequests {
    /** Tokens of requests that are read together. */
    private static final int PASS_TOKENS = 512;

    private final Decoder decoder;
    private final GenericRequests requests;
    private final List<ProbePoint> points;
    private final CalibrationProgress progress;
    private int read;

    ReadGenericRequests(
            Decoder decoder, GenericRequests requests, List<ProbePoint> points, CalibrationProgress progress) {
        this.decoder = decoder;
        this.requests = requests;
        this.points = points;
        this.progress = progress;
    }

    /** Inputs of one set at one point, filled request by request. */
    private static final class Rows {
        private final int tokens;
        private float[] values = {}; // (tokens, in)
        private int filled;

        Rows(int tokens) {
            this.tokens = tokens;
        }

        void add(float[] inputs, int count) { // (count, in)
            int in = inputs.length / count;
            if (values.length == 0) {
                values = new float[Math.multiplyExact(tokens, in)];
            }
            System.arraycopy(inputs, 0, values, filled, inputs.length);
            filled += inputs.length;
        }

        TokenInputs inputs() {
            return TokenInputs.of(values.length / tokens, values);
        }
    }

    /** Reads all three sets; what the points have read, in their order. */
    Deque<TokenInputs.Sets> read() {
        progress.reached(Phase.READ, 0, total());
        int prefixTokens = requests.prefixTokens();
        try (Sequence prefix = decoder.open(new Routing.Base(), Math.max(1, prefixTokens), points)) {
            if (prefixTokens > 0) {
                decoder.step(
                        List.of(new Feed(prefix, Arrays.copyOf(requests.fit().get(0), prefixTokens))));
            }
            prefix.freeze();
            List<TokenInputs> fit = read(prefix, requests.fit());
            List<TokenInputs> statistics = read(prefix, requests.statistics());
            List<TokenInputs> threshold = read(prefix, requests.threshold());
            Deque<TokenInputs.Sets> sets = new ArrayDeque<>();
            for (int p = 0; p < points.size(); p++) {
                sets.add(new TokenInputs.Sets(fit.get(p), statistics.get(p), threshold.get(p)));
            }
            return sets;
        }
    }

    private int total() {
        return requests.fit().size()
                + requests.statistics().size()
                + requests.threshold().size();
    }

    private List<TokenInputs> read(Sequence prefix, List<int[]> set) {
        int tokens = Arrays.stream(requests.contentTokens(set)).sum();
        List<Rows> rows = points.stream().map(point -> new Rows(tokens)).toList();
        for (int from = 0; from < set.size(); ) {
            int until = from + 1;
            int together = content(set.get(from));
            while (until < set.size() && together + content(set.get(until)) <= PASS_TOKENS) {
                together += content(set.get(until++));
            }
            pass(prefix, set.subList(from, until), rows);
            read += until - from;
            from = until;
            progress.reached(Phase.READ, read, total());
        }
        return rows.stream().map(Rows::inputs).toList();
    }

    private int content(int[] request) {
        return request.length - requests.prefixTokens();
    }

    private void pass(Sequence prefix, List<int[]> together, List<Rows> rows) {
        int skipped = requests.prefixTokens();
        List<Sequence> sequences = new ArrayList<>();
        try {
            List<Feed> feeds = new ArrayList<>();
            for (int[] request : together) {
                Sequence sequence = skipped > 0
                        ? decoder.fork(prefix, skipped, request.length)
                        : decoder.open(new Routing.Base(), request.length, points);
                sequences.add(sequence);
                feeds.add(new Feed(sequence, Arrays.copyOfRange(request, skipped, request.length)));
            }
            decoder.step(feeds);
            for (int p = 0; p < points.size(); p++) {
                for (Sequence sequence : sequences) {
                    int count = sequence.length() - skipped;
                    rows.get(p).add(decoder.inputs(sequence, points.get(p), skipped, count), count);
                }
            }
        } finally {
            sequences.forEach(Sequence::close);
        }
    }
}
