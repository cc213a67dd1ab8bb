package io.quiver.decoder.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.quiver.decoder.ModelConfig;
import io.quiver.decoder.UnsupportedModelException;
import io.quiver.lora.model.InvalidBaseModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class ConfigFileTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String LLAMA = """
            {"model_type": "llama", "hidden_act": "silu", "hidden_size": 64, "intermediate_size": 96,
             "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 288,
             "max_position_embeddings": 512, "rms_norm_eps": 1e-5}
            """;

    @TempDir
    Path folder;

    private ModelConfig read(String json) throws IOException {
        Files.writeString(folder.resolve("config.json"), json);
        return ConfigFile.read(folder);
    }

    private static String with(String field, String value) {
        ObjectNode root = (ObjectNode) JSON.readTree(LLAMA);
        JsonNode node = JSON.readTree(value);
        root.set(field, node);
        return JSON.writeValueAsString(root);
    }

    @Test
    void what_is_missing_has_the_defaults_of_transformers() throws IOException {
        ModelConfig config = read(LLAMA);
        assertThat(config.headDim()).isEqualTo(16);
        assertThat(config.tiedEmbeddings()).isFalse();
        assertThat(config.eosTokens()).isEmpty();
        assertThat(config.architecture().ropes().get(0).inverseFrequencies()).hasSize(8);
        assertThat(config.architecture().ropes().get(0).inverseFrequencies()[4])
                .isEqualTo(1 / Math.sqrt(10_000), within(1e-15));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "rope_theta | 100",
                "rope_parameters | {\"rope_type\": \"default\", \"rope_theta\": 100}",
                "rope_parameters | {\"rope_theta\": 100.0}"
            })
    void the_rotary_base_is_read_in_the_old_and_the_new_form(String field, String value) throws IOException {
        assertThat(read(with(field, value)).architecture().ropes().get(0).inverseFrequencies()[4])
                .isEqualTo(0.1, within(1e-15));
    }

    @Test
    void a_rotary_base_outside_of_the_parameters_counts_if_they_have_none() throws IOException {
        ObjectNode root = (ObjectNode) JSON.readTree(with("rope_theta", "100"));
        root.set("rope_parameters", JSON.readTree("{\"rope_type\": \"default\"}"));
        assertThat(read(JSON.writeValueAsString(root))
                        .architecture()
                        .ropes()
                        .get(0)
                        .inverseFrequencies()[4])
                .isEqualTo(0.1, within(1e-15));
        root.set("rope_parameters", JSON.readTree("{\"rope_theta\": 1e4}"));
        assertThat(read(JSON.writeValueAsString(root))
                        .architecture()
                        .ropes()
                        .get(0)
                        .inverseFrequencies()[4])
                .isEqualTo(0.01, within(1e-15));
        root.set("rope_scaling", JSON.readTree("{\"type\": \"linear\", \"factor\": 4, \"rope_theta\": 16}"));
        assertThat(read(JSON.writeValueAsString(root))
                        .architecture()
                        .ropes()
                        .get(0)
                        .inverseFrequencies()[4])
                .isEqualTo(0.0625, within(1e-15));
    }

    @Test
    void linear_scaling_divides_every_frequency() throws IOException {
        ModelConfig config = read(with("rope_scaling", "{\"type\": \"linear\", \"factor\": 4}"));
        assertThat(config.architecture().ropes().get(0).inverseFrequencies()[0]).isEqualTo(0.25);
    }

    @Test
    void llama3_scaling_keeps_short_waves_slows_long_ones_and_blends_between() throws IOException {
        ModelConfig plain = read(LLAMA);
        ModelConfig config = read(with(
                "rope_scaling",
                "{\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4,"
                        + " \"original_max_position_embeddings\": 64}"));
        // Turns within 64 tokens: 10.2, 3.22, 1.02, 0.32, ...
        double[] before = plain.architecture().ropes().get(0).inverseFrequencies();
        double[] after = config.architecture().ropes().get(0).inverseFrequencies();
        assertThat(after[0]).isEqualTo(before[0]);
        double keep = (64 * before[1] / (2 * Math.PI) - 1) / 3;
        assertThat(after[1]).isEqualTo(before[1] * ((1 - keep) / 8 + keep), within(1e-12));
        assertThat(after[7]).isEqualTo(before[7] / 8, within(1e-15));
    }

    @Test
    void the_tokens_that_end_a_text_come_from_the_generation_configuration_first() throws IOException {
        assertThat(read(with("eos_token_id", "[2, 3]")).eosTokens()).containsExactly(2, 3);
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": 7}");
        assertThat(read(with("eos_token_id", "[2, 3]")).eosTokens()).containsExactly(7);
        Files.writeString(folder.resolve("generation_config.json"), "{}");
        assertThat(read(with("eos_token_id", "2")).eosTokens()).containsExactly(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "model_type | \"mixtral\" | model_type",
                "model_type | null | model_type",
                "attention_bias | 1 | attention_bias",
                "hidden_act | \"relu\" | hidden_act",
                "sliding_window | 64 | sliding_window",
                "quantization_config | {} | quantization_config",
                "partial_rotary_factor | 0.5 | partial_rotary_factor",
                "rope_scaling | {\"rope_type\": \"yarn\", \"factor\": 2} | rope_type",
                "rope_scaling | {\"type\": \"dynamic\", \"factor\": 2} | rope_type",
                "rope_scaling | {\"type\": \"linear\"} | factor",
                "rope_theta | 0 | rope_theta",
                "hidden_size | 0 | hidden_size",
                "hidden_size | 1048577 | hidden_size",
                "hidden_size | \"64\" | hidden_size",
                "num_hidden_layers | 1025 | num_hidden_layers",
                "num_key_value_heads | 3 | num_key_value_heads",
                "num_attention_heads | 6 | num_attention_heads",
                "head_dim | 15 | head_dim",
                "rms_norm_eps | -1 | rms_norm_eps",
                "eos_token_id | \"</s>\" | eos_token_id",
                "vocab_size | 1.5 | vocab_size"
            })
    void what_is_not_supported_is_refused_by_name(String field, String value, String where) {
        assertThatThrownBy(() -> read(with(field, value)))
                .isInstanceOfSatisfying(
                        UnsupportedModelException.class,
                        e -> assertThat(e.where()).isEqualTo(where));
    }

    @Test
    void the_largest_sizes_allowed_are_allowed() throws IOException {
        assertThat(read(with("num_hidden_layers", "1024")).layers()).isEqualTo(1024);
        assertThat(read(with("intermediate_size", "1048576")).intermediate()).isEqualTo(1 << 20);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"[]", "{", "not json"})
    void what_is_not_an_object_is_refused(String json) {
        assertThatThrownBy(() -> read(json))
                .isInstanceOf(InvalidBaseModelException.class)
                .hasMessageStartingWith("config.json: ");
    }

    @Test
    void a_configuration_above_the_size_limit_is_refused() throws IOException {
        String padding = " ".repeat((1 << 20) - LLAMA.length());
        assertThat(read(LLAMA + padding).hidden()).isEqualTo(64);
        assertThatThrownBy(() -> read(LLAMA + padding + " ")).isInstanceOf(UnsupportedModelException.class);
    }
}
