package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sequences that begin with what another one has read. */
class ForkTest {
    private static final double SAME = 5e-5;
    private static final List<String> LIBRARY =
            List.of("adapters/r4-attn", "adapters/r8-all-linear-rslora", "adapters/patterns");

    private TorchDecoder decoder;

    @BeforeEach
    void open() {
        decoder = Fixtures.open("llama", Precision.FP32);
    }

    @AfterEach
    void close() {
        decoder.close();
    }

    private static int[] tokens(int count, long seed) {
        return new Random(seed).ints(count, 6, 288).toArray();
    }

    private Routing arrow() {
        return new Routing.Arrow(Fixtures.load(decoder, LIBRARY), 2, 0.7, Combine.OUTPUTS, false);
    }

    private float[] feed(Sequence sequence, int[] tokens) {
        return decoder.step(List.of(new Feed(sequence, tokens))).get(0).logits();
    }

    private static double difference(float[] one, float[] other) {
        return Fixtures.maxDifference(new float[][] {one}, new float[][] {other});
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 17, 63, 64, 65, 89})
    void a_sequence_begun_with_the_tokens_of_another_goes_on_as_if_it_had_read_them(int shared) {
        int[] prompt = tokens(90, 1);
        Routing routing = arrow();
        try (Sequence whole = decoder.open(routing);
                Sequence source = decoder.open(routing)) {
            float[] expected = feed(whole, prompt);
            feed(source, Arrays.copyOf(prompt, 89));
            try (Sequence fork = decoder.fork(source, shared, 512)) {
                assertThat(fork.length()).isEqualTo(shared);
                float[] logits = feed(fork, Arrays.copyOfRange(prompt, shared, 90));
                assertThat(difference(logits, expected)).isLessThan(SAME);
                assertThat(difference(feed(fork, new int[] {7}), feed(whole, new int[] {7})))
                        .isLessThan(SAME);
            }
            // The source is not touched by what its fork read.
            assertThat(difference(feed(source, new int[] {prompt[89]}), expected))
                    .isLessThan(SAME);
        }
    }

    @Test
    void a_frozen_sequence_lets_its_experts_go_and_still_begins_others() {
        int[] prompt = tokens(40, 2);
        Expert expert = Fixtures.load(decoder, LIBRARY.subList(0, 1)).get(0);
        Routing routing = new Routing.Fixed(List.of(expert), List.of(1.0));
        try (Sequence source = decoder.open(routing)) {
            float[] expected = feed(source, prompt);
            source.freeze();
            source.freeze();
            assertThatThrownBy(() -> feed(source, prompt))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("frozen");
            try (Sequence fork = decoder.fork(source, 39, 512)) {
                assertThat(difference(feed(fork, new int[] {prompt[39]}), expected))
                        .isLessThan(SAME);
            }
            decoder.evict(expert);
            assertThatThrownBy(() -> decoder.fork(source, 39, 512))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("not resident");
        }
        assertThat(decoder.cacheBytes()).isZero();
    }

    @Test
    void a_fork_needs_an_open_sequence_with_so_many_tokens() {
        Sequence source = decoder.open(new Routing.Base());
        feed(source, tokens(10, 3));
        assertThatThrownBy(() -> decoder.fork(source, 11, 512)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> decoder.fork(source, 0, 512)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> decoder.fork(source, 10, 9)).isInstanceOf(IllegalArgumentException.class);
        decoder.fork(source, 10, 10).close();
        source.close();
        assertThatThrownBy(() -> decoder.fork(source, 5, 512)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 64, 100, 130})
    void a_sequence_takes_no_more_memory_than_its_tokens_at_most(int tokensMax) {
        try (Sequence sequence = decoder.open(new Routing.Base(), tokensMax)) {
            for (int i = 0; i < tokensMax; i++) {
                feed(sequence, new int[] {7});
                assertThat(sequence.cacheBytes()).isBetween(decoder.cacheBytes(i + 1), decoder.cacheBytes(tokensMax));
            }
            assertThat(decoder.cacheBytes()).isEqualTo(decoder.cacheBytes(tokensMax));
            assertThatThrownBy(() -> feed(sequence, new int[] {7})).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> decoder.open(new Routing.Base(), 513)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> decoder.open(new Routing.Base(), 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
