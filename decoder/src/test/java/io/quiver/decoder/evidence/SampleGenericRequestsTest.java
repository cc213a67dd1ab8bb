package io.quiver.decoder.evidence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Precision;
import io.quiver.decoder.text.ChatTemplateFile;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.decoder.torch.TorchDecoder;
import io.quiver.lora.evidence.GenericRequests;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SampleGenericRequestsTest {
    private static final SampleGenericRequests.Settings FEW = new SampleGenericRequests.Settings(10, 6, 5, 8, 4);
    private static final CalibrationProgress NOBODY = (phase, done, total) -> {};

    private TorchDecoder decoder;
    private Tokenizer tokenizer;

    static TorchDecoder decoder() throws IOException {
        Path model = UserTurnTest.folder().resolveSibling("../fixtures/models/llama");
        return TorchDecoder.open(model.normalize(), DecoderSettings.cpu(Precision.FP32, 2));
    }

    @BeforeEach
    void open() throws IOException {
        decoder = decoder();
        tokenizer = Tokenizer.open(UserTurnTest.folder());
    }

    @AfterEach
    void close() {
        tokenizer.close();
        decoder.close();
    }

    private UserTurn chat() {
        return UserTurn.of(tokenizer, ChatTemplateFile.read(UserTurnTest.folder()));
    }

    private GenericRequests sample(UserTurn turn, SampleGenericRequests.Settings settings, long seed) {
        return new SampleGenericRequests(decoder, tokenizer, turn, settings).sample(seed, NOBODY);
    }

    private static List<List<Integer>> all(GenericRequests requests) {
        return Stream.of(requests.fit(), requests.statistics(), requests.threshold())
                .flatMap(List::stream)
                .map(request -> Arrays.stream(request).boxed().toList())
                .toList();
    }

    @Test
    void the_sets_have_the_sizes_asked_for_and_nothing_in_common_but_the_prefix() {
        for (UserTurn turn : List.of(chat(), UserTurn.of(tokenizer, Optional.empty()))) {
            GenericRequests requests = sample(turn, FEW, 1);
            assertThat(requests.prefixTokens()).isEqualTo(turn.prefix().length);
            assertThat(requests.fit()).hasSize(10);
            assertThat(requests.statistics()).hasSize(6);
            assertThat(requests.threshold()).hasSize(5);
            assertThat(all(requests)).doesNotHaveDuplicates();
            assertThat(requests.fit()).allSatisfy(request -> assertThat(request).startsWith(turn.prefix()));
        }
        assertThat(decoder.cacheBytes()).isZero();
    }

    @Test
    void a_seed_gives_the_same_requests_however_many_are_sampled_at_once() {
        List<List<Integer>> expected = all(sample(chat(), FEW, 1));
        for (int textsAtOnce : new int[] {1, 4, 32}) {
            var settings = new SampleGenericRequests.Settings(10, 6, 5, 8, textsAtOnce);
            assertThat(all(sample(chat(), settings, 1))).isEqualTo(expected);
        }
        assertThat(all(sample(chat(), FEW, 2))).doesNotContainAnyElementsOf(expected);
    }

    @Test
    void a_model_that_repeats_itself_is_given_up() {
        // Of one token there are fewer than 300 different requests.
        var settings = new SampleGenericRequests.Settings(298, 3, 1, 1, 32);
        assertThatThrownBy(() -> sample(chat(), settings, 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("different from each other");
        assertThat(decoder.cacheBytes()).isZero();
    }

    @Test
    void progress_rises_to_all_requests() {
        List<Integer> heard = new ArrayList<>();
        new SampleGenericRequests(decoder, tokenizer, chat(), FEW).sample(1, (phase, done, total) -> {
            assertThat(phase).isEqualTo(CalibrationProgress.Phase.SAMPLE);
            assertThat(total).isEqualTo(21);
            heard.add(done);
        });
        assertThat(heard).isEqualTo(IntStream.rangeClosed(0, 21).boxed().toList());
    }

    @Test
    void exponentials_are_those_of_the_library() {
        for (double x = 0; x > -700; x -= 0.0371) {
            assertThat(TemperatureOne.exp(x)).isEqualTo(Math.exp(x), within(1e-10 * Math.exp(x)));
        }
        assertThat(TemperatureOne.exp(-701)).isZero();
        assertThat(TemperatureOne.exp(Double.NEGATIVE_INFINITY)).isZero();
        assertThat(TemperatureOne.exp(Double.NaN)).isNaN();
    }

    @Test
    void a_token_is_drawn_as_often_as_the_model_says() {
        SplittableRandom random = new SplittableRandom(1);
        float[] logits = {(float) Math.log(1), Float.NaN, (float) Math.log(6), (float) Math.log(3), -1e9f};
        int[] counts = new int[logits.length];
        for (int i = 0; i < 20_000; i++) {
            counts[TemperatureOne.draw(logits, random)]++;
        }
        assertThat(counts[1] + counts[4]).isZero();
        assertThat(counts[0]).isCloseTo(2_000, within(150));
        assertThat(counts[2]).isCloseTo(12_000, within(250));
        assertThatThrownBy(() -> TemperatureOne.draw(new float[] {Float.NaN}, random))
                .isInstanceOf(IllegalStateException.class);
    }
}
