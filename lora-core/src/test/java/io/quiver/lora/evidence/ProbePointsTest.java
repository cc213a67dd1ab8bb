package io.quiver.lora.evidence;

import static io.quiver.lora.evidence.InputPlace.ATTENTION_IN;
import static io.quiver.lora.evidence.InputPlace.ATTENTION_OUT;
import static io.quiver.lora.evidence.InputPlace.MLP_IN;
import static io.quiver.lora.evidence.InputPlace.MLP_MID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProbePointsTest {
    @Test
    void every_fifth_layer_counts_back_from_the_last() {
        assertThat(ProbePoints.layers(30)).containsExactly(4, 9, 14, 19, 24, 29);
        assertThat(ProbePoints.layers(32)).containsExactly(1, 6, 11, 16, 21, 26, 31);
    }

    @Test
    void a_model_with_fewer_layers_is_looked_at_more_closely() {
        assertThat(ProbePoints.layers(24)).containsExactly(3, 7, 11, 15, 19, 23);
        assertThat(ProbePoints.layers(12)).containsExactly(1, 3, 5, 7, 9, 11);
        assertThat(ProbePoints.layers(7)).containsExactly(0, 2, 4, 6);
        assertThat(ProbePoints.layers(6)).containsExactly(0, 1, 2, 3, 4, 5);
        assertThat(ProbePoints.layers(1)).containsExactly(0);
        assertThatThrownBy(() -> ProbePoints.layers(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void an_adapter_is_measured_where_attention_and_mlp_begin_if_it_has_anything_there() {
        List<ProbePoint> calibrated = ProbePoints.all(12);
        assertThat(calibrated).hasSize(24);
        assertThat(ProbePoints.usual(12)).hasSize(12);

        assertThat(ProbePoints.of(
                        List.of(
                                "model.layers.1.self_attn.q_proj",
                                "model.layers.1.self_attn.o_proj",
                                "model.layers.2.self_attn.q_proj",
                                "model.layers.5.mlp.down_proj"),
                        calibrated))
                .containsExactly(new ProbePoint(1, ATTENTION_IN));
    }

    @Test
    void an_adapter_without_anything_there_is_measured_at_its_other_points() {
        assertThat(ProbePoints.of(
                        List.of("model.layers.5.mlp.down_proj", "model.layers.5.self_attn.o_proj", "lm_head"),
                        ProbePoints.all(6)))
                .containsExactly(new ProbePoint(5, ATTENTION_OUT), new ProbePoint(5, MLP_MID));
        assertThat(ProbePoints.of(List.of("model.layers.4.mlp.down_proj"), ProbePoints.all(12)))
                .isEmpty();
    }

    @Test
    void examples_are_compared_in_the_last_four_probed_layers() {
        assertThat(ProbePoints.forExamples(ProbePoints.all(30)))
                .extracting(ProbePoint::layer)
                .containsExactly(14, 19, 24, 29);
        assertThat(ProbePoints.forExamples(ProbePoints.all(3)))
                .containsExactly(new ProbePoint(1, ATTENTION_IN), new ProbePoint(2, ATTENTION_IN));
    }

    @ParameterizedTest
    @CsvSource({
        "model.layers.12.self_attn.k_proj, layers.12.attention_in",
        "model.layers.0.self_attn.qkv_proj, layers.0.attention_in",
        "model.layers.0.self_attn.dense, layers.0.attention_out",
        "layers.0.mlp.gate_up_proj, layers.0.mlp_in",
        "model.layers.3.mlp.fc1, layers.3.mlp_in",
        "model.layers.3.mlp.fc2, layers.3.mlp_mid"
    })
    void a_module_reads_one_point(String module, String point) {
        assertThat(ProbePoint.readBy(module)).contains(ProbePoint.named(point));
        assertThat(ProbePoint.named(point).name()).isEqualTo(point);
    }

    @ParameterizedTest
    @ValueSource(strings = {"lm_head", "model.layers.x.mlp.fc1", "model.layers.1.mlp.gate", "model.layers.1.q_proj"})
    void other_modules_read_none(String module) {
        assertThat(ProbePoint.readBy(module)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "layers.1", "layers.-1.mlp_in", "layers.01.mlp_in", "layers.1.mlp", "layers.9999999.mlp_in"})
    void what_names_no_point_is_refused(String name) {
        assertThatThrownBy(() -> ProbePoint.named(name)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void points_are_in_the_order_in_which_a_model_computes_them() {
        assertThat(ProbePoints.all(6)).isSorted().first().isEqualTo(new ProbePoint(0, ATTENTION_IN));
        assertThat(new ProbePoint(0, MLP_MID)).isLessThan(new ProbePoint(1, ATTENTION_IN));
        assertThat(new ProbePoint(2, MLP_IN)).isGreaterThan(new ProbePoint(2, ATTENTION_OUT));
    }
}
