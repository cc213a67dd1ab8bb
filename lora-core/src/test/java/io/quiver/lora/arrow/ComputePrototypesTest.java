package io.quiver.lora.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.lora.peft.LoraModule;
import org.junit.jupiter.api.Test;

class ComputePrototypesTest {
    private static final LoraModule MODULE = new LoraModule("mlp.up_proj", 3, 2, 2, 0.5, "a", "b");
    private static final double[] SOME = {1, 2, 3, 4, 5, 6};

    @Test
    void an_untrained_module_has_no_prototype() {
        assertThat(ComputePrototypes.compute(MODULE, SOME, new double[4]))
                .isEqualTo(new PrototypeResult.ZeroUpdate("mlp.up_proj"));
    }

    @Test
    void an_update_too_small_for_double_precision_is_none() {
        double[] tiny = {1e-200, 0, 0, 1e-200, 0, 0};

        assertThat(ComputePrototypes.compute(MODULE, tiny, new double[] {1e-200, 0, 0, 1e-200}))
                .isInstanceOf(PrototypeResult.ZeroUpdate.class);
    }

    @Test
    void a_prototype_keeps_its_modules_rank_and_scale_and_leaves_the_scale_out_of_the_singular_values() {
        PrototypeResult result =
                ComputePrototypes.compute(MODULE, new double[] {0, 2, 0, 0, 0, 0}, new double[] {3, 0, 0, 0});

        ModulePrototype prototype = ((PrototypeResult.Computed) result).prototype();
        assertThat(prototype.vector()).containsExactly(0, 1, 0);
        assertThat(prototype.sigma()).containsExactly(6, 0);
        assertThat(prototype.sigmaRatio()).isZero();
        assertThat(prototype.rank()).isEqualTo(2);
        assertThat(prototype.scaling()).isEqualTo(0.5);
    }

    @Test
    void a_module_with_an_element_that_is_not_finite_is_named() {
        assertThatThrownBy(() -> ComputePrototypes.compute(MODULE, SOME, new double[] {1, 2, Double.NaN, 4}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("module mlp.up_proj");
    }
}
