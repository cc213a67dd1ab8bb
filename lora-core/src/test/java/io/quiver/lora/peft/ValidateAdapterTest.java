package io.quiver.lora.peft;

import static io.quiver.lora.peft.UploadedAdapter.PREFIX;
import static io.quiver.lora.peft.UploadedAdapter.Q0;
import static io.quiver.lora.peft.UploadedAdapter.Q1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.quiver.lora.Fixtures;
import io.quiver.lora.safetensors.DType;
import io.quiver.lora.safetensors.InvalidSafetensorsException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ValidateAdapterTest {
    @Test
    void a_plain_adapter_is_valid() {
        AdapterValidation validation = new UploadedAdapter().validate();

        assertThat(((AdapterValidation.Valid) validation).modules())
                .containsExactly(
                        new LoraModule(
                                Q0, 6, 4, 2, 2.0, PREFIX + Q0 + ".lora_A.weight", PREFIX + Q0 + ".lora_B.weight"),
                        new LoraModule(
                                Q1, 6, 4, 2, 2.0, PREFIX + Q1 + ".lora_A.weight", PREFIX + Q1 + ".lora_B.weight"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "use_dora | true | dora_unsupported",
                "modules_to_save | [\"lm_head\"] | modules_to_save_unsupported",
                "bias | \"all\" | bias_unsupported",
                "bias | 3 | bias_unsupported",
                "lora_bias | true | lora_bias_unsupported",
                "trainable_token_indices | [1] | trainable_tokens_unsupported",
                "trainable_token_indices | {\"embed_tokens\":[1]} | trainable_tokens_unsupported",
                "target_parameters | [\"mlp.experts\"] | target_parameters_unsupported",
                "layer_replication | [[0,2],[0,2]] | layer_replication_unsupported",
                "alora_invocation_tokens | [7] | activated_lora_unsupported",
                "use_qalora | true | qalora_unsupported",
                "use_bdlora | {\"nblocks\":2} | bdlora_unsupported",
                "monteclora_config | {\"x\":1} | monteclora_unsupported",
                "megatron_config | {\"x\":1} | megatron_unsupported",
                "arrow_config | {\"top_k\":2} | arrow_router_unsupported",
                "fan_in_fan_out | true | fan_in_fan_out_unsupported",
                "init_lora_weights | \"pissa\" | altered_base_unsupported",
                "init_lora_weights | \"pissa_niter_16\" | altered_base_unsupported",
                "init_lora_weights | \"olora\" | altered_base_unsupported",
                "init_lora_weights | \"corda\" | altered_base_unsupported",
                "init_lora_weights | \"loftq\" | altered_base_unsupported",
                "init_lora_weights | \"lora_ga\" | altered_base_unsupported",
                "peft_type | null | not_lora",
                "peft_type | 3 | not_lora",
                "peft_type | \"IA3\" | unsupported_peft_type",
                "peft_type | \"lora\" | unsupported_peft_type",
                "r | 0 | rank_invalid",
                "r | -1 | rank_invalid",
                "r | null | rank_invalid",
                "r | 2.5 | rank_invalid",
                "r | \"2\" | rank_invalid",
                "r | [2,2] | rank_invalid",
                "r | 99999999999 | rank_invalid",
                "lora_alpha | null | alpha_invalid",
                "lora_alpha | 0 | alpha_invalid",
                "lora_alpha | -4 | alpha_invalid",
                "lora_alpha | \"4\" | alpha_invalid",
                "lora_alpha | [4] | alpha_invalid",
                "lora_alpha | 1e999 | alpha_invalid",
                "lora_alpha | 1.1e30 | alpha_invalid",
                "lora_alpha | 0.9e-30 | alpha_invalid",
                "rank_pattern | {\"k_proj\":0} | rank_invalid",
                "rank_pattern | [] | config_field_invalid",
                "alpha_pattern | {\"k_proj\":null} | alpha_invalid",
                "rank_pattern | {\"(\":4} | pattern_invalid",
                "use_rslora | \"yes\" | config_field_invalid",
                "target_modules | null | target_modules_invalid",
                "target_modules | [] | target_modules_invalid",
                "target_modules | [1] | target_modules_invalid",
                "target_modules | {} | target_modules_invalid",
                "target_modules | \"\" | target_modules_invalid",
                "target_modules | \"*q\" | pattern_invalid",
                "exclude_modules | 3 | target_modules_invalid",
                "layers_to_transform | \"0\" | layers_invalid",
                "layers_to_transform | [-1] | layers_invalid",
                "layers_pattern | \"layers\" | layers_invalid",
                "layers_pattern | [3] | layers_invalid",
                "lora_nums | 4 | lookalike_hydralora",
                "blc_alpha | 0.0 | lookalike_loramoe",
                "number_experts | [2,2] | lookalike_mola",
                "lora_use_mixer | true | lookalike_moslora",
                "routing_strategy | \"mixlora\" | lookalike_mixlora",
                "kasa_config | {\"beta\":1} | lookalike_kasa"
            })
    void each_field_of_the_configuration_is_refused_under_its_own_code(String field, String json, String code) {
        assertThat(new UploadedAdapter().config(field, json).codes()).containsExactly(code);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "use_dora | false",
                "modules_to_save | []",
                "modules_to_save | null",
                "bias | \"none\"",
                "bias | null",
                "trainable_token_indices | null",
                "layer_replication | null",
                "init_lora_weights | true",
                "init_lora_weights | \"gaussian\"",
                "init_lora_weights | \"eva\"",
                "loftq_config | {}",
                "qalora_group_size | 16",
                "lora_alpha | 4.0",
                "lora_alpha | 1e30",
                "lora_alpha | 1e-30",
                "exclude_modules | []",
                "exclude_modules | \"\"",
                "exclude_modules | [\"up_proj\"]",
                "layers_to_transform | [0,1]",
                "target_modules | \".*q_proj\"",
                "rank_pattern | null",
                "some_future_field | {\"x\":[1]}",
                "lora_use_mixer | false",
                "lora_dropout | 0.1",
                "runtime_config | {}",
                "megatron_core | \"megatron.core\""
            })
    void a_field_that_changes_nothing_is_taken(String field, String json) {
        assertThat(new UploadedAdapter().config(field, json).codes()).isEmpty();
    }

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

    @Test
    void all_violations_are_told_at_once() {
        assertThat(new UploadedAdapter()
                        .config("use_dora", "true")
                        .config("r", "0")
                        .config("bias", "\"all\"")
                        .without(PREFIX + Q0 + ".lora_B.weight")
                        .notANumber(PREFIX + Q1 + ".lora_A.weight")
                        .tensor(PREFIX + Q1 + ".lora_C.weight", 1)
                        .codes())
                .containsExactlyInAnyOrder(
                        "dora_unsupported",
                        "rank_invalid",
                        "bias_unsupported",
                        "missing_lora_b",
                        "not_finite",
                        "unknown_tensor");
    }

    @Test
    void the_violations_of_a_broken_file_and_of_its_configuration_are_told_together() {
        InvalidSafetensorsException broken =
                catchThrowableOfType(InvalidSafetensorsException.class, () -> Fixtures.inspect(new byte[3]));

        assertThat(new ValidateAdapter(AdapterLimits.DEFAULT)
                        .refuse(new UploadedAdapter().config("use_dora", "true").configBytes(), broken)
                        .violations())
                .extracting(Violation::code)
                .containsExactly("dora_unsupported", "safetensors_truncated_header");
    }

    @Test
    void the_limits_are_taken_and_one_more_is_refused() {
        UploadedAdapter adapter = new UploadedAdapter();
        int size = adapter.configBytes().length;

        assertThat(UploadedAdapter.codes(adapter.validate(limits(size, 2, 200))))
                .isEmpty();
        assertThat(UploadedAdapter.codes(adapter.validate(limits(size - 1, 2, 200))))
                .containsExactly("config_too_large");
        assertThat(UploadedAdapter.codes(adapter.validate(limits(size, 1, 200))))
                .containsExactly("rank_too_large");
        adapter.withoutTensors();
        assertThat(UploadedAdapter.codes(adapter.validate(limits(size, 2, 3))))
                .hasSize(3)
                .doesNotContain("more_violations");
        assertThat(UploadedAdapter.codes(adapter.validate(limits(size, 2, 2))))
                .hasSize(3)
                .endsWith("more_violations");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "null", "{\"r\":1,\"r\":2}", "{\"peft_type\":\"LORA\"} x"})
    void a_configuration_that_is_not_a_json_object_is_refused(String json) {
        UploadedAdapter adapter = new UploadedAdapter();
        AdapterValidation validation = new ValidateAdapter(AdapterLimits.DEFAULT)
                .validate(
                        json.getBytes(StandardCharsets.UTF_8),
                        Fixtures.inspect(adapter.weightsBytes()),
                        UploadedAdapter.BASE);

        assertThat(UploadedAdapter.codes(validation)).containsExactly("config_malformed");
    }

    @ParameterizedTest
    @ValueSource(strings = {"NaN", "Infinity", "-Infinity"})
    void numbers_that_only_python_writes_are_read_and_refused(String alpha) {
        UploadedAdapter adapter = new UploadedAdapter();
        String json = new String(adapter.configBytes(), StandardCharsets.UTF_8)
                .replace("\"lora_alpha\":4", "\"lora_alpha\":" + alpha);
        AdapterValidation validation = new ValidateAdapter(AdapterLimits.DEFAULT)
                .validate(
                        json.getBytes(StandardCharsets.UTF_8),
                        Fixtures.inspect(adapter.weightsBytes()),
                        UploadedAdapter.BASE);

        assertThat(UploadedAdapter.codes(validation)).containsExactly("alpha_invalid");
    }

    @Test
    void opening_an_adapter_that_is_not_plain_lora_fails(@TempDir Path folder) throws IOException {
        UploadedAdapter adapter = new UploadedAdapter().config("use_dora", "true");
        Files.write(folder.resolve(LoraAdapter.CONFIG_FILE), adapter.configBytes());
        Files.write(folder.resolve(LoraAdapter.WEIGHTS_FILE), adapter.weightsBytes());

        assertThatThrownBy(() -> LoraAdapter.open(folder, AdapterLimits.DEFAULT))
                .isInstanceOf(InvalidAdapterException.class)
                .hasMessageContaining("dora_unsupported");
    }

    private static AdapterLimits limits(int configBytesMax, int rankMax, int violationsMax) {
        return new AdapterLimits(configBytesMax, rankMax, 4096, 1_000_000, 100, violationsMax);
    }
}
