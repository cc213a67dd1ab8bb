package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where in the pools the experts of a library lie, and in which order, does not show in what it gives. */
class LibraryPlacesTest {
    private static final double SAME = 5e-5;
    private static final List<String> ALIKE =
            List.of("arrow/experts/e0", "arrow/experts/e1", "arrow/experts/e2", "arrow/experts/e3", "arrow/experts/e4");
    private static final List<String> MIXED =
            List.of("adapters/r1-qv", "adapters/r8-all-linear-rslora", "adapters/r4-mlp-regex", "adapters/layers-0-2");
    private static final int[] PROMPT = new Random(8).ints(30, 6, 288).toArray();

    private static List<StepOutput> outputs(TorchDecoder decoder, List<String> library) {
        List<Expert> experts = Fixtures.load(decoder, library);
        return List.of(
                Fixtures.prefill(decoder, new Routing.Arrow(experts, 2, 0.8, Combine.OUTPUTS, true), PROMPT),
                Fixtures.prefill(decoder, new Routing.Arrow(experts, 3, 1, Combine.FACTORS, true), PROMPT),
                Fixtures.prefill(
                        decoder, new Routing.Fixed(experts, Collections.nCopies(experts.size(), 0.3)), PROMPT));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_library_loaded_in_order_backwards_or_between_others_gives_the_same(boolean mixed) {
        List<String> library = mixed ? MIXED : ALIKE;
        List<StepOutput> expected;
        try (TorchDecoder inOrder = Fixtures.open("llama", Precision.FP32)) {
            expected = outputs(inOrder, library);
        }
        List<String> backwards = new ArrayList<>(library);
        Collections.reverse(backwards);
        try (TorchDecoder other = Fixtures.open("llama", Precision.FP32)) {
            Fixtures.load(other, backwards);
            same(outputs(other, library), expected);
        }
        List<String> between = new ArrayList<>(List.of(library.get(2), "adapters/patterns", library.get(0)));
        try (TorchDecoder holes = Fixtures.open("llama", Precision.FP32)) {
            List<Expert> loaded = Fixtures.load(holes, between);
            same(outputs(holes, library), expected);
            holes.evict(loaded.get(1));
            same(outputs(holes, library), expected);
        }
    }

    private static void same(List<StepOutput> actual, List<StepOutput> expected) {
        for (int i = 0; i < expected.size(); i++) {
            assertThat(Fixtures.maxDifference(
                            actual.get(i).logitsByToken(), expected.get(i).logitsByToken()))
                    .isLessThan(SAME);
            assertThat(actual.get(i).trace()).hasSameSizeAs(expected.get(i).trace());
            for (int m = 0; m < expected.get(i).trace().size(); m++) {
                assertThat(Fixtures.maxDifference(
                                actual.get(i).trace().get(m).coefficients(),
                                expected.get(i).trace().get(m).coefficients()))
                        .isLessThan(SAME);
            }
        }
    }
}
