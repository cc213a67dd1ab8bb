package io.quiver.decoder.evidence;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.evidence.CalibrationProgress.Phase;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.lora.evidence.GenericRequests;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Samples requests from a base model itself: what it takes for a user's words, at temperature 1, written as the requests that people
 * send. No two are alike, so that the sets are disjoint.
 *
 * <p>Every request has random numbers of its own, so that a seed gives the same requests however many are sampled at once. That
 * holds where a text has the same logits alone and in a batch: with the decoder's kernels, on one kind of machine. On another, or
 * without kernels, a last bit may tip a draw, and from there on it is another request, as good as the first.
 */
public final class SampleGenericRequests {
    /** Draws for one request that is kept, on the average, before a model is taken to repeat itself. */
    private static final int DRAWS_MAX = 10;

    private final Decoder decoder;
    private final Tokenizer tokenizer;
    private final UserTurn turn;
    private final Settings settings;

    /**
     * How much is sampled.
     *
     * @param fit requests of that set
     * @param statistics requests of that set
     * @param threshold requests of that set
     * @param wordTokensMax tokens of a user's words
     * @param textsAtOnce that are decoded together; as many as the kernels take in one step
     */
    public record Settings(int fit, int statistics, int threshold, int wordTokensMax, int textsAtOnce) {
        /** What was measured to be enough. */
        public static final Settings DEFAULT = new Settings(128, 96, 96, 32, 32);

        public Settings {
            if (Math.min(Math.min(fit, statistics), Math.min(threshold, Math.min(wordTokensMax, textsAtOnce))) < 1) {
                throw new IllegalArgumentException("nothing is sampled with " + fit + ", " + statistics + " and "
                        + threshold + " requests of " + wordTokensMax + " tokens, " + textsAtOnce + " at once");
            }
        }

        int requests() {
            return fit + statistics + threshold;
        }
    }

    public SampleGenericRequests(Decoder decoder, Tokenizer tokenizer, UserTurn turn, Settings settings) {
        this.decoder = decoder;
        this.tokenizer = tokenizer;
        this.turn = turn;
        this.settings = settings;
    }

    /** One text that is being sampled. */
    private static final class Draw {
        final SplittableRandom random;
        final Sequence sequence;
        final List<Integer> tokens = new ArrayList<>();
        boolean ended;

        Draw(SplittableRandom random, Sequence sequence) {
            this.random = random;
            this.sequence = sequence;
        }
    }

    /**
     * Samples.
     *
     * @throws IllegalStateException if the model repeats itself, or says nothing, so often that there would be no end
     */
    public GenericRequests sample(long seed, CalibrationProgress progress) {
        int[] start = turn.prefix().length > 0 ? turn.prefix() : new int[] {firstToken()};
        int textTokensMax = start.length + settings.wordTokensMax();
        try (Sequence prefix = decoder.open(new Routing.Base(), textTokensMax)) {
            float[] logits =
                    decoder.step(List.of(new Feed(prefix, start))).get(0).logits();
            prefix.freeze();
            return new Sampling(prefix, textTokensMax, logits, new SplittableRandom(seed), progress).run();
        }
    }

    /** What a text without any prefix begins after: the end of another one. */
    private int firstToken() {
        return decoder.config().eosTokens().stream().findFirst().orElse(0);
    }

    /** The work of one call. */
    private final class Sampling {
        private final Sequence prefix;
        private final int textTokensMax;
        private final float[] first; // (vocabulary), logits after the prefix
        private final SplittableRandom random;
        private final CalibrationProgress progress;
        private final List<Draw> open = new ArrayList<>(); // in the order in which they began
        private final List<int[]> requests = new ArrayList<>();
        private final Set<String> known = new HashSet<>();
        private int draws;

        Sampling(
                Sequence prefix,
                int textTokensMax,
                float[] first,
                SplittableRandom random,
                CalibrationProgress progress) {
            this.prefix = prefix;
            this.textTokensMax = textTokensMax;
            this.first = first;
            this.random = random;
            this.progress = progress;
        }

        GenericRequests run() {
            try {
                progress.reached(Phase.SAMPLE, 0, settings.requests());
                while (requests.size() < settings.requests()) {
                    begin();
                    goOn();
                    judge();
                }
            } finally {
                open.forEach(draw -> draw.sequence.close());
            }
            int statistics = settings.fit() + settings.statistics();
            return new GenericRequests(
                    turn.prefix().length,
                    requests.subList(0, settings.fit()),
                    requests.subList(settings.fit(), statistics),
                    requests.subList(statistics, settings.requests()));
        }

        /** Begins texts while there is room, but no more than are still wanted. */
        private void begin() {
            long running = open.stream().filter(draw -> !draw.ended).count();
            int wanted = settings.requests() - requests.size();
            for (; running < settings.textsAtOnce() && open.size() < wanted; running++) {
                if (++draws > DRAWS_MAX * settings.requests()) {
                    throw new IllegalStateException("of " + DRAWS_MAX * settings.requests()
                            + " requests sampled from the base model only " + requests.size()
                            + " are different from each other and not empty");
                }
                Draw draw = new Draw(random.split(), decoder.fork(prefix, prefix.length(), textTokensMax));
                open.add(draw);
                take(draw, first);
            }
        }

        /** Samples one token of every text. */
        private void goOn() {
            List<Draw> running = open.stream().filter(draw -> !draw.ended).toList();
            List<StepOutput> outputs = decoder.step(running.stream()
                    .map(draw -> new Feed(draw.sequence, new int[] {draw.tokens.get(draw.tokens.size() - 1)}))
                    .toList());
            // The exponentials of a large vocabulary take as long as the step.
            IntStream.range(0, running.size())
                    .parallel()
                    .forEach(i -> take(running.get(i), outputs.get(i).logits()));
        }

        private void take(Draw draw, float[] logits) {
            int token = TemperatureOne.draw(logits, draw.random);
            if (tokenizer.special(token) || decoder.config().eosTokens().contains(token)) {
                draw.ended = true;
            } else {
                draw.tokens.add(token);
                draw.ended = draw.tokens.size() == settings.wordTokensMax();
            }
        }

        /** Keeps or drops what has ended, in the order in which it began. */
        private void judge() {
            while (!open.isEmpty() && open.get(0).ended) {
                Draw draw = open.remove(0);
                draw.sequence.close();
                int[] tokens = draw.tokens.stream().mapToInt(token -> token).toArray();
                String words = tokenizer.decode(tokens, true).strip();
                Optional<int[]> request = words.isEmpty() ? Optional.empty() : turn.request(words);
                if (request.isPresent()
                        && request.get().length <= decoder.config().contextTokensMax()
                        && known.add(words)) {
                    requests.add(request.get());
                    progress.reached(Phase.SAMPLE, requests.size(), settings.requests());
                }
            }
        }
    }
}
