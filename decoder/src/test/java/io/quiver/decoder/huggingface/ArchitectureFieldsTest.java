package io.quiver.decoder.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.quiver.decoder.Architecture;
import io.quiver.decoder.Architecture.Activation;
import io.quiver.decoder.Architecture.Biases;
import io.quiver.decoder.Architecture.Layer;
import io.quiver.decoder.ModelConfig;
import io.quiver.decoder.UnsupportedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What each family computes without saying so, and which of its fields count. */
class ArchitectureFieldsTest {
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    Path folder;

    /** A small configuration of a family with further fields. */
    private ModelConfig read(String family, String... fieldsAndValues) throws IOException {
        ObjectNode root = (ObjectNode) JSON.readTree("""
                {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4,
                 "num_key_value_heads": 2, "vocab_size": 288, "max_position_embeddings": 512}
                """);
        root.put("model_type", family);
        for (int i = 0; i < fieldsAndValues.length; i += 2) {
            root.set(fieldsAndValues[i], JSON.readTree(fieldsAndValues[i + 1]));
        }
        Files.writeString(folder.resolve("config.json"), JSON.writeValueAsString(root));
        return ConfigFile.read(folder);
    }

    private static List<Integer> windows(ModelConfig config) {
        return config.architecture().layers().stream().map(Layer::window).toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "mistral", "qwen2", "qwen3", "phi3"})
    void most_families_are_a_llama_with_little_changed(String family) throws IOException {
        Architecture architecture = read(family).architecture();
        assertThat(architecture.norm().centred()).isFalse();
        assertThat(architecture.norm().offset()).isZero();
        assertThat(architecture.parallelBlock()).isFalse();
        assertThat(architecture.outputNorms()).isFalse();
        assertThat(architecture.headNorms()).isEqualTo(family.equals("qwen3"));
        assertThat(architecture.biases())
                .isEqualTo(family.equals("qwen2") ? new Biases(true, false, false, false) : Biases.NONE);
        assertThat(architecture.activation()).isEqualTo(Activation.SILU);
        assertThat(architecture.gated()).isTrue();
        assertThat(architecture.attentionCap() + architecture.logitCap()).isZero();
        assertThat(architecture.embeddingScale()).isEqualTo(1);
        assertThat(architecture.queryScale()).isEqualTo(1 / Math.sqrt(family.equals("qwen3") ? 128 : 16));
    }

    @Test
    void phi_has_layer_norms_biases_a_parallel_block_no_gate_and_turns_half_of_a_head() throws IOException {
        ModelConfig config = read("phi");
        Architecture architecture = config.architecture();
        assertThat(architecture.norm()).isEqualTo(new Architecture.Norm(true, 1e-5, 0));
        assertThat(architecture.parallelBlock()).isTrue();
        assertThat(architecture.gated()).isFalse();
        assertThat(architecture.biases()).isEqualTo(new Biases(true, true, true, true));
        assertThat(architecture.activation()).isEqualTo(Activation.GELU_TANH);
        assertThat(architecture.ropes().get(0).dims()).isEqualTo(8);
        assertThat(config.names().mlpInput()).containsExactly("mlp.fc1");
        assertThat(read("phi", "partial_rotary_factor", "0.25")
                        .architecture()
                        .ropes()
                        .get(0)
                        .inverseFrequencies())
                .containsExactly(new double[] {1, 0.01}, within(1e-15));
    }

    @Test
    void gemma2_has_caps_and_scales_and_every_second_layer_slides() throws IOException {
        ModelConfig config = read("gemma2", "query_pre_attn_scalar", "100");
        Architecture architecture = config.architecture();
        assertThat(architecture.norm()).isEqualTo(new Architecture.Norm(false, 1e-6, 1));
        assertThat(architecture.outputNorms()).isTrue();
        assertThat(architecture.attentionCap()).isEqualTo(50);
        assertThat(architecture.logitCap()).isEqualTo(30);
        assertThat(architecture.queryScale()).isEqualTo(0.1);
        assertThat(architecture.embeddingScale()).isEqualTo(8);
        assertThat(architecture.activation()).isEqualTo(Activation.GELU_TANH);
        assertThat(config.headDim()).isEqualTo(256);
        assertThat(config.tiedEmbeddings()).isTrue();
        assertThat(windows(config)).containsExactly(4096, 0, 4096, 0);
        Architecture uncapped = read("gemma2", "attn_logit_softcapping", "null", "final_logit_softcapping", "null")
                .architecture();
        assertThat(uncapped.attentionCap() + uncapped.logitCap()).isZero();
    }

    @Test
    void gemma3_turns_sliding_layers_by_a_base_of_their_own() throws IOException {
        for (ModelConfig config : List.of(
                read(
                        "gemma3_text",
                        "sliding_window_pattern",
                        "3",
                        "sliding_window",
                        "7",
                        "head_dim",
                        "4",
                        "rope_theta",
                        "100",
                        "rope_local_base_freq",
                        "16",
                        "rope_scaling",
                        "{\"rope_type\": \"linear\", \"factor\": 8}"),
                read(
                        "gemma3_text",
                        "layer_types",
                        "[\"sliding_attention\", \"sliding_attention\", \"full_attention\", \"sliding_attention\"]",
                        "sliding_window",
                        "7",
                        "head_dim",
                        "4",
                        "rope_parameters",
                        "{\"full_attention\": {\"rope_type\": \"linear\", \"factor\": 8, \"rope_theta\": 100},"
                                + " \"sliding_attention\": {\"rope_theta\": 16}}"))) {
            assertThat(windows(config)).containsExactly(7, 7, 0, 7);
            assertThat(config.architecture().layers().stream().map(Layer::rope)).containsExactly(1, 1, 0, 1);
            assertThat(config.architecture().ropes().get(0).inverseFrequencies())
                    .containsExactly(new double[] {0.125, 0.0125}, within(1e-15));
            assertThat(config.architecture().ropes().get(1).inverseFrequencies())
                    .containsExactly(new double[] {1, 0.25}, within(1e-15));
            assertThat(config.architecture().headNorms()).isTrue();
            assertThat(config.architecture().attentionCap()).isZero();
        }
    }

    @Test
    void a_window_counts_where_its_family_says_so() throws IOException {
        assertThat(windows(read("mistral"))).containsOnly(4096);
        assertThat(windows(read("mistral", "sliding_window", "null"))).containsOnly(0);
        assertThat(windows(read("mistral", "sliding_window", "7"))).containsOnly(7);
        assertThat(windows(read("phi3"))).containsOnly(0);
        assertThat(windows(read("phi3", "sliding_window", "2047"))).containsOnly(2047);
        assertThat(windows(read("qwen2", "sliding_window", "7"))).containsOnly(0);
        assertThat(windows(read("qwen2", "use_sliding_window", "true", "sliding_window", "7")))
                .containsOnly(0);
        assertThat(windows(
                        read("qwen2", "use_sliding_window", "true", "sliding_window", "7", "max_window_layers", "1")))
                .containsExactly(0, 7, 7, 7);
        assertThat(windows(
                        read("qwen3", "use_sliding_window", "true", "sliding_window", "7", "max_window_layers", "0")))
                .containsOnly(7);
        assertThat(windows(read(
                        "qwen3",
                        "use_sliding_window",
                        "true",
                        "sliding_window",
                        "7",
                        "layer_types",
                        "[\"full_attention\", \"sliding_attention\", \"full_attention\", \"full_attention\"]")))
                .containsExactly(0, 7, 0, 0);
    }

    @Test
    void biases_are_there_where_their_fields_say_so() throws IOException {
        assertThat(read("llama", "attention_bias", "true").architecture().biases())
                .isEqualTo(new Biases(true, true, false, false));
        assertThat(read("llama", "mlp_bias", "true").architecture().biases())
                .isEqualTo(new Biases(false, false, true, false));
        assertThat(read("qwen3", "attention_bias", "true").architecture().biases())
                .isEqualTo(new Biases(true, true, false, false));
    }

    @Test
    void missing_key_heads_mean_one_for_each_query_head_where_that_is_the_default() throws IOException {
        assertThat(read("llama", "num_key_value_heads", "null").kvHeads()).isEqualTo(4);
        assertThat(read("qwen2", "num_key_value_heads", "null").kvHeads()).isEqualTo(4);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "llama | sliding_window | 64 | sliding_window",
                "llama | layer_types | [\"full_attention\", \"full_attention\", \"full_attention\", \"chunked_attention\"]"
                        + " | layer_types",
                "llama | layer_types | [\"full_attention\"] | layer_types",
                "llama | attn_logit_softcapping | 50 | attn_logit_softcapping",
                "llama | final_logit_softcapping | 30 | final_logit_softcapping",
                "llama | partial_rotary_factor | 0.5 | partial_rotary_factor",
                "llama | rope_scaling | {\"rope_type\": \"default\", \"partial_rotary_factor\": 0.5} | partial_rotary_factor",
                "llama | rope_parameters | {\"full_attention\": {\"rope_theta\": 5}} | full_attention",
                "mistral | attention_bias | true | attention_bias",
                "mistral | layer_types | [\"full_attention\", \"full_attention\", \"full_attention\", \"full_attention\"]"
                        + " | layer_types",
                "mistral | mlp_bias | true | mlp_bias",
                "mistral | sliding_window | 0 | sliding_window",
                "qwen2 | layer_types | [\"sliding_attention\", \"full_attention\", \"full_attention\", \"full_attention\"]"
                        + " | layer_types",
                "qwen2 | use_sliding_window | 1 | use_sliding_window",
                "phi | qk_layernorm | true | qk_layernorm",
                "phi | layer_norm_eps | 0 | layer_norm_eps",
                "phi | partial_rotary_factor | 0.2 | partial_rotary_factor",
                "phi | partial_rotary_factor | 1.5 | partial_rotary_factor",
                "phi3 | rope_scaling | {\"type\": \"longrope\", \"short_factor\": [1], \"long_factor\": [1]} | rope_type",
                "phi3 | rope_scaling | {\"type\": \"su\", \"short_factor\": [1], \"long_factor\": [1]} | rope_type",
                "gemma2 | sliding_window | null | sliding_window",
                "gemma2 | query_pre_attn_scalar | 0 | query_pre_attn_scalar",
                "gemma2 | hidden_activation | \"relu\" | hidden_activation",
                "gemma2 | use_bidirectional_attention | true | use_bidirectional_attention",
                "gemma3_text | attn_logit_softcapping | 50 | attn_logit_softcapping",
                "gemma3_text | rope_parameters | {\"rope_theta\": 100} | rope_parameters",
                "gemma3 | text_config | {} | model_type",
                "gpt2 | n_head | 4 | model_type"
            })
    void what_a_family_does_not_have_is_refused_by_name(String family, String field, String value, String where) {
        assertThatThrownBy(() -> read(family, field, value))
                .isInstanceOfSatisfying(
                        UnsupportedModelException.class,
                        e -> assertThat(e.where()).isEqualTo(where));
    }

    @Test
    void missing_key_heads_are_refused_where_transformers_has_a_number_of_its_own() {
        for (String family : List.of("mistral", "qwen2", "qwen3", "gemma2", "gemma3_text")) {
            assertThatThrownBy(() -> readWithoutKeyHeads(family))
                    .isInstanceOfSatisfying(
                            UnsupportedModelException.class,
                            e -> assertThat(e.where()).isEqualTo("num_key_value_heads"));
        }
    }

    private ModelConfig readWithoutKeyHeads(String family) throws IOException {
        read(family);
        ObjectNode root = (ObjectNode) JSON.readTree(Files.readString(folder.resolve("config.json")));
        root.remove("num_key_value_heads");
        Files.writeString(folder.resolve("config.json"), JSON.writeValueAsString(root));
        return ConfigFile.read(folder);
    }
}
