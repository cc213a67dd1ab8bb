package io.quiver.decoder.evidence;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.evidence.CalibrationProgress.Phase;
import io.quiver.lora.evidence.GenericRequests;
import io.quiver.lora.evidence.ProbePoint;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Lets the bare base read generic requests, once, and keeps on the disk what its linear modules read of the tokens that count. */
final class ReadGenericRequests {
    /** Tokens of requests that are read together. */
    private static final int PASS_TOKENS = 512;

    private final Decoder decoder;
    private final GenericRequests requests;
    private final List<ProbePoint> points;
    private final SpilledInputs spilled;
    private final CalibrationProgress progress;
    private int read;

    /** @param spilled takes the inputs of all points */
    ReadGenericRequests(
            Decoder decoder,
            GenericRequests requests,
            List<ProbePoint> points,
            SpilledInputs spilled,
            CalibrationProgress progress) {
        this.decoder = decoder;
        this.requests = requests;
        this.points = points;
        this.spilled = spilled;
        this.progress = progress;
    }

    /** Reads the three sets, fit first, then statistics, then threshold. */
    void read() throws IOException {
        progress.reached(Phase.READ, 0, total());
        int prefixTokens = requests.prefixTokens();
        try (Sequence prefix = decoder.open(new Routing.Base(), Math.max(1, prefixTokens), points)) {
            if (prefixTokens > 0) {
                decoder.step(
                        List.of(new Feed(prefix, Arrays.copyOf(requests.fit().get(0), prefixTokens))));
            }
            prefix.freeze();
            read(prefix, requests.fit());
            read(prefix, requests.statistics());
            read(prefix, requests.threshold());
        }
    }

    private int total() {
        return requests.fit().size()
                + requests.statistics().size()
                + requests.threshold().size();
    }

    private void read(Sequence prefix, List<int[]> set) throws IOException {
        for (int from = 0; from < set.size(); ) {
            int until = from + 1;
            int together = content(set.get(from));
            while (until < set.size() && together + content(set.get(until)) <= PASS_TOKENS) {
                together += content(set.get(until++));
            }
            pass(prefix, set.subList(from, until));
            read += until - from;
            from = until;
            progress.reached(Phase.READ, read, total());
        }
    }

    private int content(int[] request) {
        return request.length - requests.prefixTokens();
    }

    private void pass(Sequence prefix, List<int[]> together) throws IOException {
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
            for (ProbePoint point : points) {
                for (Sequence sequence : sequences) {
                    spilled.add(point, decoder.inputs(sequence, point, skipped, sequence.length() - skipped));
                }
            }
        } finally {
            sequences.forEach(Sequence::close);
        }
    }
}
