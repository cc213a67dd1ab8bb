package io.quiver.lora.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.lora.Fixtures;
import io.quiver.lora.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class BaseModulesTest {
    @TempDir
    Path folder;

    static Stream<String> models() {
        return Fixtures.folders("models").stream();
    }

    @Test
    void the_linear_modules_of_a_llama_are_its_seven_projections_per_layer() {
        BaseModules modules = Fixtures.base("llama");

        assertThat(modules.linear()).hasSize(3 * 7);
        assertThat(modules.find("model.layers.0.mlp.down_proj")).contains(new LinearShape(104, 72));
        assertThat(modules.find("model.layers.2.self_attn.k_proj")).contains(new LinearShape(72, 36));
        assertThat(modules.apart()).containsExactly("lm_head", "model.embed_tokens");
        assertThat(modules.find("lm_head")).isEmpty();
    }

    @Test
    void the_modules_of_a_sharded_model_are_those_of_all_its_files() {
        assertThat(Fixtures.base("llama-tied-sharded").linear()).hasSize(2 * 7);
        assertThat(Fixtures.base("llama-tied-sharded").apart()).containsExactly("model.embed_tokens");
    }

    @ParameterizedTest
    @MethodSource("models")
    void modules_survive_json(String model) {
        BaseModules modules = Fixtures.base(model);

        assertThat(BaseModules.fromJson(modules.toJson())).isEqualTo(modules);
    }

    @Test
    void models_of_different_shapes_have_different_fingerprints() {
        List<String> fingerprints =
                models().map(model -> Fixtures.base(model).fingerprint()).toList();

        assertThat(fingerprints).doesNotHaveDuplicates().allMatch(text -> text.matches("sha256:[0-9a-f]{64}"));
        assertThat(Fixtures.base("llama").fingerprint())
                .isEqualTo(fingerprints.get(Fixtures.folders("models").indexOf("llama")));
    }

    @Test
    void a_folder_with_one_file_is_read() throws IOException {
        write("model.safetensors", "model.layers.0.q_proj.weight", "model.norm.weight");

        assertThat(BaseModules.ofFolder(folder).linear()).containsOnlyKeys("model.layers.0.q_proj");
    }

    @Test
    void a_folder_with_shards_is_read_by_its_index() throws IOException {
        write("a.safetensors", "model.layers.0.q_proj.weight");
        write("b.safetensors", "model.layers.1.q_proj.weight");
        index(Map.of("model.layers.0.q_proj.weight", "a.safetensors", "model.layers.1.q_proj.weight", "b.safetensors"));

        assertThat(BaseModules.ofFolder(folder).linear())
                .containsOnlyKeys("model.layers.0.q_proj", "model.layers.1.q_proj");
    }

    @Test
    void a_missing_shard_or_tensor_is_refused() throws IOException {
        write("a.safetensors", "model.layers.0.q_proj.weight");
        index(Map.of("model.layers.0.q_proj.weight", "b.safetensors"));
        assertRefused("base_shards_incomplete");

        index(Map.of("model.layers.1.q_proj.weight", "a.safetensors"));
        assertRefused("base_shards_incomplete");
    }

    @Test
    void a_tensor_in_two_shards_is_refused() throws IOException {
        write("a.safetensors", "model.layers.0.q_proj.weight");
        write("b.safetensors", "model.layers.0.q_proj.weight", "model.layers.1.q_proj.weight");
        index(Map.of("model.layers.0.q_proj.weight", "a.safetensors", "model.layers.1.q_proj.weight", "b.safetensors"));

        assertRefused("base_duplicate_tensor");
    }

    @Test
    void a_model_without_linear_modules_is_refused() throws IOException {
        write("model.safetensors", "model.norm.weight", "model.embed_tokens.weight");

        assertRefused("base_no_linear_layers");
    }

    @Test
    void a_linear_module_without_outputs_is_refused() throws IOException {
        Files.write(
                folder.resolve("model.safetensors"),
                new SafetensorsWriter()
                        .floats("q.weight", List.of(0L, 4L), new float[0])
                        .toBytes());

        assertRefused("base_shape_invalid");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{}",
                "{'weight_map':[]}",
                "{'weight_map':{'a':1}}",
                "{'weight_map':{'a':'../b.safetensors'}}",
                "{'weight_map':{'a':'/b.safetensors'}}",
                "{'weight_map':{'a':'b.bin'}}",
                "{'weight_map':{'a':'.safetensors'}}",
                "{'weight_map':{'a':'b.safetensors','a':'c.safetensors'}}"
            })
    void an_index_that_is_none_or_leads_out_of_the_folder_is_refused(String json) {
        byte[] bytes = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);

        assertThatThrownBy(() -> ShardIndex.parse(bytes))
                .isInstanceOfSatisfying(
                        InvalidBaseModelException.class,
                        thrown -> assertThat(thrown.code()).isEqualTo("base_index_malformed"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{}",
                "[]",
                "{\"linear\":{\"a\":[1]},\"apart\":[]}",
                "{\"linear\":{\"a\":[0,1]},\"apart\":[]}"
            })
    void stored_modules_that_cannot_be_are_refused(String json) {
        assertThatThrownBy(() -> BaseModules.fromJson(json))
                .isInstanceOfSatisfying(
                        InvalidBaseModelException.class,
                        thrown -> assertThat(thrown.code()).isEqualTo("base_modules_malformed"));
    }

    private void assertRefused(String code) {
        assertThatThrownBy(() -> BaseModules.ofFolder(folder))
                .isInstanceOfSatisfying(
                        InvalidBaseModelException.class,
                        thrown -> assertThat(thrown.code()).isEqualTo(code));
    }

    /** Norms have one axis, everything else is a matrix of 2 outputs and 3 inputs. */
    private void write(String file, String... tensors) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter();
        for (String tensor : tensors) {
            if (tensor.contains("norm")) {
                writer.floats(tensor, List.of(3L), new float[3]);
            } else {
                writer.floats(tensor, List.of(2L, 3L), new float[6]);
            }
        }
        Files.write(folder.resolve(file), writer.toBytes());
    }

    private void index(Map<String, String> weightMap) throws IOException {
        StringBuilder json = new StringBuilder();
        weightMap.forEach(
                (tensor, file) -> json.append(json.isEmpty() ? "" : ",").append("\"" + tensor + "\":\"" + file + "\""));
        Files.writeString(folder.resolve("model.safetensors.index.json"), "{\"weight_map\":{" + json + "}}");
    }
}
