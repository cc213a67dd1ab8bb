package io.quiver.lora.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.quiver.lora.arrow.MixExperts.Update;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GateScoresTest {
    private static final double NONE = Double.NEGATIVE_INFINITY;

    @Test
    void spectr_is_the_length_of_what_an_expert_adds() {
        // BAx = (3, 4) of x = (1, 2), times scale 2.
        Update update = new Update(new double[][] {{1, 0}, {0, 1}}, new double[][] {{3, 0}, {0, 2}}, 2);
        assertThat(GateScores.spectr(new double[] {1, 2}, Arrays.asList(update, null)))
                .containsExactly(10, Double.NaN);
    }

    @Test
    void spectr_of_the_direction_stretched_most_is_the_largest_singular_value() {
        Update update = new Update(new double[][] {{0, 2}, {1, 0}}, new double[][] {{3, 0}, {0, 1}}, 1);
        assertThat(GateScores.spectr(new double[] {0, 1}, List.of(update))[0]).isEqualTo(6, within(1e-12));
    }

    @Test
    void lag_scores_only_whom_arrow_keeps() {
        Update loud = new Update(new double[][] {{10, 0}}, new double[][] {{1}}, 1);
        Update low = new Update(new double[][] {{0, 1}}, new double[][] {{1}}, 1);
        List<double[]> prototypes = Arrays.asList(new double[] {1, 0}, new double[] {0, 1}, null);
        // Arrow sees 1 and 2, so it keeps the second although the first is louder.
        assertThat(GateScores.lag(new double[] {1, 2}, prototypes, Arrays.asList(loud, low, null), 1))
                .containsExactly(Double.NaN, 2, Double.NaN);
        assertThat(GateScores.lag(new double[] {1, 2}, prototypes, Arrays.asList(loud, low, null), 2))
                .containsExactly(10, 2, Double.NaN);
    }

    @Test
    void phatgoose_by_hand() {
        // Of two components a layer norm leaves (-1, 1) or (1, -1), up to its epsilon.
        assertThat(GateScores.phatgoose(
                        new double[] {100, 300}, Arrays.asList(new double[] {-50, 0}, new double[] {9, 8}, null)))
                .containsExactly(new double[] {Math.sqrt(2), -Math.sqrt(2), Double.NaN}, within(1e-3));
    }

    @Test
    void phatgoose_does_not_see_length_or_offset() {
        Random random = new Random(1);
        double[] x = random.doubles(20, -3, 3).toArray();
        double[] vector = random.doubles(20, -3, 3).toArray();
        double[] moved = Arrays.stream(x).map(component -> 7 * component + 2).toArray();
        assertThat(GateScores.phatgoose(moved, List.of(vector))[0])
                .isEqualTo(GateScores.phatgoose(x, List.of(vector))[0], within(1e-4));
    }

    @Test
    void inputs_are_normalised_as_their_names_say() {
        assertThat(InputNorm.ID.of(new double[] {3, 4})).containsExactly(3, 4);
        assertThat(InputNorm.UNIT.of(new double[] {3, 4})).containsExactly(new double[] {0.6, 0.8}, within(1e-15));
        assertThat(InputNorm.UNIT.of(new double[] {0, 0})).containsExactly(0, 0);
        assertThat(InputNorm.LAYER_NORM.of(new double[] {1, 3})).containsExactly(new double[] {-1, 1}, within(1e-5));
        assertThat(InputNorm.LAYER_NORM.of(new double[] {5, 5})).containsExactly(0, 0);
    }

    @Test
    void experts_below_the_minimum_are_not_chosen() {
        double[] scores = {2, 1, Double.NaN, 3};
        assertThat(new ChooseExperts(3, 1, 1.5).coefficients(scores))
                .containsExactly(new double[] {1 / (1 + Math.E), 0, 0, Math.E / (1 + Math.E)}, within(1e-15));
        assertThat(new ChooseExperts(3, 1, 4).coefficients(scores)).containsExactly(0, 0, 0, 0);
        assertThat(new ChooseExperts(1, 1, 3).coefficients(scores)).containsExactly(0, 0, 0, 1);
    }

    @Test
    void negative_scores_are_scores() {
        assertThat(new ChooseExperts(2, 0.5, NONE).coefficients(new double[] {-3, -1, -2}))
                .containsExactly(
                        new double[] {0, 1 / (1 + Math.exp(-2)), Math.exp(-2) / (1 + Math.exp(-2))}, within(1e-15));
    }

    @Test
    void of_equal_scores_the_first_is_chosen() {
        assertThat(new ChooseExperts(1, 1, NONE).coefficients(new double[] {1, 1}))
                .containsExactly(1, 0);
    }

    @Test
    void scores_far_apart_leave_one_expert() {
        assertThat(new ChooseExperts(3, 1e-3, NONE).coefficients(new double[] {0, 1e6, 5}))
                .containsExactly(new double[] {0, 1, 0}, within(1e-300));
    }
}
