package io.quiver.lora.peft;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.lora.Fixtures;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What of an adapter's configuration is taken, and what is refused under which code. */
class ValidateConfigTest {
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
}
