package io.quiver.lora.peft;

import static io.quiver.lora.peft.UploadedAdapter.PREFIX;
import static io.quiver.lora.peft.UploadedAdapter.Q0;
import static io.quiver.lora.peft.UploadedAdapter.Q1;
import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.lora.Fixtures;
import io.quiver.lora.safetensors.DType;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which tensors an adapter may have, of which names, shapes and types, and which it must. */
class ValidateTensorsTest {
    @ParameterizedTest
    @CsvSource({
        "lora_route.weight, lookalike_hydralora",
        "lora_A0.weight, lookalike_loramoe",
        "lora_A_0.weight, lookalike_mola",
        "router.router.weight, lookalike_mola",
        "lora_A.0.weight, lookalike_melora",
        "lora_AB.weight, lookalike_moslora",
        "moe_gate.weight, lookalike_mixlora",
        "experts.1.lora_A.weight, lookalike_mixlora",
        "lotr.mid, lookalike_lotr",
        "lora_gate, lookalike_alora",
        "lora_diag, lookalike_kasa",
        "mov_scaling, lookalike_mov",
        "lora_down.weight, lookalike_kohya",
        "lora_B.bias, lora_bias_unsupported",
        "lora_embedding_A, embedding_unsupported",
        "lora_magnitude_vector, dora_unsupported",
        "token_adapter.trainable_tokens_delta, trainable_tokens_unsupported",
        "base_layer.bias, bias_unsupported",
        "bias, bias_unsupported",
        "weight, modules_to_save_unsupported",
        "lora_A.other_name.weight, unknown_tensor",
        "lora_A, unknown_tensor",
        "lora_C.weight, unknown_tensor",
        "adapter_scale, unknown_tensor"
    })
    void a_tensor_that_plain_lora_does_not_have_is_refused_by_what_it_means(String suffix, String code) {
        assertThat(new UploadedAdapter()
                        .tensor(PREFIX + Q0 + "." + suffix, 3, 6)
                        .codes())
                .containsExactly(code);
    }

    @Test
    void an_adapter_without_b_is_refused() {
        assertThat(new UploadedAdapter().without(PREFIX + Q0 + ".lora_B.weight").codes())
                .containsExactly("missing_lora_b");
    }

    @Test
    void an_adapter_without_a_is_refused() {
        assertThat(new UploadedAdapter().without(PREFIX + Q0 + ".lora_A.weight").codes())
                .containsExactly("missing_lora_a");
    }

    @Test
    void a_targeted_module_without_tensors_is_refused() {
        assertThat(new UploadedAdapter()
                        .without(PREFIX + Q1 + ".lora_A.weight")
                        .without(PREFIX + Q1 + ".lora_B.weight")
                        .codes())
                .containsExactly("module_without_tensors");
    }

    @Test
    void a_module_that_is_not_targeted_is_refused() {
        assertThat(new UploadedAdapter().config("layers_to_transform", "0").codes())
                .containsExactly("module_not_targeted");
    }

    @Test
    void a_module_that_the_base_model_lacks_is_refused() {
        assertThat(new UploadedAdapter()
                        .module(PREFIX + "model.layers.2.self_attn.q_proj")
                        .codes())
                .containsExactly("unknown_module");
    }

    @Test
    void the_output_head_and_embeddings_are_refused() {
        assertThat(new UploadedAdapter().module(PREFIX + "lm_head").codes()).containsExactly("head_unsupported");
        assertThat(new UploadedAdapter().module(PREFIX + "model.embed_tokens").codes())
                .containsExactly("head_unsupported");
    }

    @Test
    void a_rank_other_than_the_configurations_is_refused_for_a_and_for_b() {
        assertThat(new UploadedAdapter()
                        .tensor(PREFIX + Q0 + ".lora_A.weight", 3, 6)
                        .codes())
                .containsExactly("rank_mismatch");
        assertThat(new UploadedAdapter()
                        .tensor(PREFIX + Q0 + ".lora_B.weight", 4, 3)
                        .codes())
                .containsExactly("rank_mismatch");
        assertThat(new UploadedAdapter()
                        .config("rank_pattern", "{\"layers.1.*q_proj\": 3}")
                        .codes())
                .containsExactly("rank_mismatch", "rank_mismatch");
    }

    @ParameterizedTest
    @CsvSource({"lora_A, 2, 7", "lora_A, 2, 5", "lora_B, 5, 2", "lora_B, 3, 2"})
    void inputs_and_outputs_other_than_the_base_modules_are_refused(String factor, long rows, long columns) {
        assertThat(new UploadedAdapter()
                        .tensor(PREFIX + Q0 + "." + factor + ".weight", rows, columns)
                        .codes())
                .containsExactly("shape_mismatch");
    }

    @Test
    void a_factor_that_is_not_a_matrix_is_refused() {
        assertThat(new UploadedAdapter()
                        .tensor(PREFIX + Q0 + ".lora_A.weight", 2, 6, 1)
                        .codes())
                .containsExactly("shape_mismatch");
        assertThat(new UploadedAdapter()
                        .tensor(PREFIX + Q0 + ".lora_A.weight", 2, 0)
                        .codes())
                .containsExactly("shape_mismatch");
    }

    @Test
    void an_element_that_is_not_finite_is_refused_and_its_tensor_named() {
        AdapterValidation validation =
                new UploadedAdapter().notANumber(PREFIX + Q1 + ".lora_B.weight").validate();

        assertThat(((AdapterValidation.Invalid) validation).violations())
                .singleElement()
                .satisfies(violation -> {
                    assertThat(violation.code()).isEqualTo("not_finite");
                    assertThat(violation.where()).isEqualTo(PREFIX + Q1 + ".lora_B.weight");
                    assertThat(violation.message()).contains("index 7");
                });
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void only_floating_point_of_two_bytes_or_more_is_taken(DType dtype) {
        List<String> codes = new UploadedAdapter()
                .tensor(PREFIX + Q0 + ".lora_A.weight", dtype, 2, 6)
                .codes();

        boolean taken = List.of(DType.F16, DType.BF16, DType.F32, DType.F64).contains(dtype);
        assertThat(codes).isEqualTo(taken ? List.of() : List.of("dtype_unsupported"));
    }

    @Test
    void an_all_zero_b_is_taken_because_the_upload_is_well_formed() {
        UploadedAdapter adapter = new UploadedAdapter();
        byte[] weights = adapter.weightsBytes();
        Arrays.fill(weights, weights.length - 4 * (12 + 8 + 12 + 8), weights.length, (byte) 0);

        assertThat(new ValidateAdapter(AdapterLimits.DEFAULT)
                        .validate(adapter.configBytes(), Fixtures.inspect(weights), UploadedAdapter.BASE))
                .isInstanceOf(AdapterValidation.Valid.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "base_model.model.base_model.model.",
                "module.base_model.model.",
                "base_model.model._orig_mod.",
                "_orig_mod.base_model.model.",
                "base_model.model._fsdp_wrapped_module."
            })
    void prefixes_that_wrappers_leave_are_taken_off(String prefix) {
        assertThat(new UploadedAdapter()
                        .withoutTensors()
                        .module(prefix + Q0)
                        .module(prefix + Q1)
                        .codes())
                .isEmpty();
    }

    @Test
    void an_adapters_default_name_is_taken_off() {
        UploadedAdapter adapter = new UploadedAdapter().withoutTensors();
        for (String path : List.of(Q0, Q1)) {
            adapter.tensor(PREFIX + path + ".lora_A.default.weight", 2, 6)
                    .tensor(PREFIX + path + ".lora_B.default.weight", 4, 2);
        }

        assertThat(adapter.codes()).isEmpty();
    }

    @Test
    void two_tensors_that_become_one_without_their_prefixes_are_refused() {
        assertThat(new UploadedAdapter().module(Q0).codes()).containsExactly("duplicate_tensor", "duplicate_tensor");
    }

    @Test
    void a_file_without_tensors_and_targets_without_modules_are_refused() {
        assertThat(new UploadedAdapter().withoutTensors().codes())
                .containsExactly("nothing_adapted", "module_without_tensors", "module_without_tensors");
        assertThat(new UploadedAdapter()
                        .config("target_modules", "[\"c_attn\"]")
                        .codes())
                .containsExactly("module_not_targeted", "module_not_targeted", "nothing_adapted");
    }
}
