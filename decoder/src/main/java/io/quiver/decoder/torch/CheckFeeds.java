package io.quiver.decoder.torch;

import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Sequence;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Refuses feeds that a decoder cannot take, before any of them is fed. */
final class CheckFeeds {
    private final TorchDecoder decoder;
    private final int vocabulary;

    CheckFeeds(TorchDecoder decoder, int vocabulary) {
        this.decoder = decoder;
        this.vocabulary = vocabulary;
    }

    /** @throws IllegalArgumentException as {@link io.quiver.decoder.Decoder#step} says */
    void check(List<Feed> feeds) {
        Set<Sequence> seen = new HashSet<>();
        for (Feed feed : feeds) {
            if (!(feed.sequence() instanceof TorchSequence sequence)
                    || !sequence.belongsTo(decoder)
                    || sequence.closed()
                    || sequence.frozen()) {
                throw new IllegalArgumentException("the sequence is closed, frozen or of another decoder");
            }
            if (!seen.add(sequence)) {
                throw new IllegalArgumentException("one sequence is fed twice in one step");
            }
            if ((long) sequence.length() + feed.tokens().length > sequence.tokensMax()) {
                throw new IllegalArgumentException(sequence.length() + " tokens and " + feed.tokens().length
                        + " more exceed the context of " + sequence.tokensMax());
            }
            for (int token : feed.tokens()) {
                if (token < 0 || token >= vocabulary) {
                    throw new IllegalArgumentException("token " + token + " is not in the vocabulary of " + vocabulary);
                }
            }
        }
    }
}
