package io.quiver.lora.routability;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class JudgeRoutabilityTest {
    private static final double THRESHOLD = 2;

    /** An example that is given to one of three experts, with room below; who stands out is said apart. */
    private static ExampleReading example(int best, double... standOuts) { // (3)
        double[] scores = {0, 0.5, 1};
        scores[best] = 4;
        return new ExampleReading(scores, standOuts);
    }

    /** Given to an expert of three, which alone stands out. */
    private static ExampleReading given(int best) {
        double[] standOuts = {0, 0, 0};
        standOuts[best] = 5;
        return example(best, standOuts);
    }

    private static final ExampleReading GIVEN_TO_THE_BASE = example(0, 1, 0, 0);

    private static List<ExampleReading> times(int count, ExampleReading reading) {
        return Collections.nCopies(count, reading);
    }

    private static List<ExampleReading> together(List<ExampleReading> some, List<ExampleReading> others) {
        List<ExampleReading> all = new ArrayList<>(some);
        all.addAll(others);
        return all;
    }

    /** Stand-outs that have nothing to do with each other: none of 40 reaches the threshold. */
    private static List<double[]> unrelated(int experts) { // (experts) of (requests)
        Random random = new Random(4);
        return IntStream.range(0, experts)
                .mapToObj(e -> random.doubles(40, -1, 1).toArray())
                .toList();
    }

    private static LibraryRoutability judged(List<double[]> outside, List<List<ExampleReading>> examples) {
        return new JudgeRoutability(THRESHOLD, outside, examples).judge();
    }

    private static List<Verdict> verdicts(List<List<ExampleReading>> examples) {
        return judged(unrelated(examples.size()), examples).experts().stream()
                .map(ExpertRoutability::verdict)
                .toList();
    }

    @Test
    void experts_that_are_chosen_for_their_own_examples_are_routable() {
        LibraryRoutability library =
                judged(unrelated(3), List.of(times(4, given(0)), times(5, given(1)), times(6, given(2))));
        assertThat(library.experts()).allMatch(expert -> expert.verdict() == Verdict.ROUTABLE);
        assertThat(library.chosen()).isDeepEqualTo(new int[][] {{4, 0, 0, 0}, {0, 5, 0, 0}, {0, 0, 6, 0}});
        ExpertRoutability first = library.experts().get(0);
        assertThat(first.own()).isEqualTo(new ExpertRoutability.Own(4, 4, 4, 0, 5, 3));
        assertThat(first.others()).isEqualTo(new ExpertRoutability.Others(11, 0));
    }

    @Test
    void an_example_goes_to_the_highest_score_if_that_expert_stands_out_and_otherwise_to_the_base() {
        assertThat(given(1).chosen(5)).isEqualTo(1);
        assertThat(given(1).chosen(5.001)).isEqualTo(3);
        // Another stands out, but the highest score is asked.
        assertThat(example(0, 1, 9, 9).chosen(THRESHOLD)).isEqualTo(3);
        assertThat(given(1).margin(1)).isEqualTo(3);
        assertThat(given(1).margin(2)).isEqualTo(-3);
    }

    @Test
    void two_experts_one_of_which_takes_a_quarter_of_the_others_examples_are_confusable_with_each_other() {
        List<ExampleReading> lost = together(times(6, given(0)), times(2, given(1)));
        LibraryRoutability library = judged(unrelated(3), List.of(lost, times(8, given(1)), times(8, given(2))));
        assertThat(library.experts().get(0).confusedWith()).containsExactly(1);
        assertThat(library.experts().get(1).confusedWith()).containsExactly(0);
        assertThat(library.experts().get(2).verdict()).isEqualTo(Verdict.ROUTABLE);
        List<ExampleReading> oneLost = together(times(7, given(0)), times(1, given(1)));
        assertThat(verdicts(List.of(oneLost, times(8, given(1)), times(8, given(2)))))
                .containsOnly(Verdict.ROUTABLE);
    }

    @Test
    void an_expert_that_stands_out_on_none_of_its_examples_never_fires_and_whoever_takes_them_is_not_to_blame() {
        LibraryRoutability taken =
                judged(unrelated(3), List.of(times(8, given(1)), times(8, given(1)), times(8, given(2))));
        assertThat(taken.experts().stream().map(ExpertRoutability::verdict))
                .containsExactly(Verdict.NEVER_FIRES, Verdict.ROUTABLE, Verdict.ROUTABLE);
        assertThat(taken.experts().get(0).confusedWith()).containsExactly(1);
        assertThat(taken.experts().get(1).confusedWith()).isEmpty();
        assertThat(verdicts(List.of(times(8, GIVEN_TO_THE_BASE), times(8, given(1)), times(8, given(2)))))
                .containsExactly(Verdict.NEVER_FIRES, Verdict.ROUTABLE, Verdict.ROUTABLE);
    }

    @Test
    void an_expert_whose_examples_mostly_go_to_the_base_rarely_fires() {
        List<ExampleReading> half = together(times(4, given(0)), times(4, GIVEN_TO_THE_BASE));
        List<ExampleReading> less = together(times(3, given(0)), times(5, GIVEN_TO_THE_BASE));
        List<ExampleReading> one = times(4, given(1));
        List<ExampleReading> two = times(4, given(2));
        assertThat(verdicts(List.of(half, one, two))).first().isEqualTo(Verdict.ROUTABLE);
        assertThat(verdicts(List.of(less, one, two))).first().isEqualTo(Verdict.RARELY_FIRES);
    }

    @Test
    void an_expert_that_takes_from_two_others_fires_on_everything_and_they_are_confused_with_it() {
        List<List<ExampleReading>> examples = List.of(
                together(times(3, given(0)), times(1, given(2))),
                together(times(3, given(1)), times(1, given(2))),
                times(4, given(2)));
        LibraryRoutability library = judged(unrelated(3), examples);
        assertThat(library.experts().stream().map(ExpertRoutability::verdict))
                .containsExactly(Verdict.CONFUSABLE, Verdict.CONFUSABLE, Verdict.FIRES_ON_EVERYTHING);
        assertThat(library.experts().get(0).confusedWith()).containsExactly(2);
        assertThat(library.experts().get(2).others()).isEqualTo(new ExpertRoutability.Others(8, 2));
    }

    @Test
    void without_examples_too_little_is_known_unless_stand_outs_go_together() {
        List<double[]> outside = new ArrayList<>(unrelated(3));
        assertThat(judged(outside, List.of(List.of(), List.of(), List.of())).experts())
                .allMatch(expert -> expert.verdict() == Verdict.TOO_LITTLE_KNOWN)
                .allMatch(expert -> Double.isNaN(expert.own().standOut()));
        outside.set(
                2,
                Arrays.stream(outside.get(0)).map(value -> 0.9 * value + 0.01).toArray());
        List<ExpertRoutability> judged =
                judged(outside, List.of(List.of(), List.of(), List.of())).experts();
        assertThat(judged.get(0).confusedWith()).containsExactly(2);
        assertThat(judged.get(1).verdict()).isEqualTo(Verdict.TOO_LITTLE_KNOWN);
        assertThat(judged.get(2).confusedWith()).containsExactly(0);
        assertThat(judged.get(2).generic().correlation()).isCloseTo(1, within(1e-12));
        // Where both have examples, these say better whether they can be told apart.
        assertThat(judged(outside, List.of(times(4, given(0)), List.of(), times(4, given(2))))
                        .experts()
                        .get(0)
                        .verdict())
                .isEqualTo(Verdict.ROUTABLE);
    }

    @Test
    void without_examples_an_expert_that_stands_out_the_most_nearly_always_fires_on_everything() {
        List<double[]> outside = new ArrayList<>(unrelated(4));
        double[] loud = outside.get(0).clone();
        for (int i = 0; i < loud.length; i++) {
            loud[i] = i < 4 ? THRESHOLD + i : 1.5;
        }
        outside.set(0, loud);
        List<List<ExampleReading>> none = Collections.nCopies(4, List.of());
        List<ExpertRoutability> judged = judged(outside, none).experts();
        assertThat(judged.get(0).verdict()).isEqualTo(Verdict.FIRES_ON_EVERYTHING);
        assertThat(judged.get(0).generic().largest()).isEqualTo(1);
        assertThat(judged.get(0).generic().passes()).isEqualTo(0.1);
        assertThat(judged.get(1).verdict()).isEqualTo(Verdict.TOO_LITTLE_KNOWN);
    }

    @Test
    void the_shares_of_the_generic_requests_add_up_to_all_of_them_however_many_stand_out_alike() {
        List<double[]> outside =
                List.of(new double[] {1, 2, 3, 4}, new double[] {1, 3, 0, 4}, new double[] {0, 3, 0, 4});
        List<ExpertRoutability> judged =
                judged(outside, Collections.nCopies(3, List.of())).experts();
        assertThat(judged.get(0).generic().largest()).isCloseTo((0.5 + 1 + 1 / 3.0) / 4, within(1e-12));
        assertThat(judged.stream()
                        .mapToDouble(expert -> expert.generic().largest())
                        .sum())
                .isCloseTo(1, within(1e-12));
        assertThat(judged.get(0).generic().passes()).isEqualTo(0.75);
    }

    @Test
    void a_correlation_is_pearsons() {
        double[] a = {1, 2, 3, 4};
        assertThat(JudgeRoutability.correlation(a, new double[] {2, 4, 6, 8})).isCloseTo(1, within(1e-12));
        assertThat(JudgeRoutability.correlation(a, new double[] {4, 3, 2, 1})).isCloseTo(-1, within(1e-12));
        // Deviations −1.5, −0.5, 0.5, 1.5 and −1, 1, −1, 1: product 2, squares 5 and 4.
        assertThat(JudgeRoutability.correlation(a, new double[] {0, 2, 0, 2}))
                .isCloseTo(2 / Math.sqrt(20), within(1e-12));
        assertThat(JudgeRoutability.correlation(a, new double[] {7, 7, 7, 7})).isZero();
    }

    @Test
    void a_library_of_one_has_nobody_to_be_confused_with() {
        ExampleReading own = new ExampleReading(new double[] {3}, new double[] {5});
        ExpertRoutability alone = judged(List.of(new double[] {0, 1}), List.of(times(4, own)))
                .experts()
                .get(0);
        assertThat(alone.verdict()).isEqualTo(Verdict.ROUTABLE);
        assertThat(alone.generic().nearest()).isEqualTo(-1);
        assertThat(alone.own().margin()).isNaN();
    }

    @Test
    void stand_outs_and_examples_of_different_experts_are_refused() {
        List<List<ExampleReading>> none = List.of(List.of(), List.of());
        assertThatThrownBy(() -> judged(unrelated(3), none)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> judged(unrelated(2), List.of(times(4, given(0)), List.of())))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> judged(List.of(new double[3], new double[2]), none))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
