package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.registry.RegistryHttp.Answer;
import io.quiver.registry.RegistryHttp.Form;
import io.quiver.schemas.Digest;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class BaseModelTest {
    private static final RegistryHttp HTTP = RunningRegistry.shared().http();
    private static final ObjectStore STORE = RunningRegistry.store();

    private static String route(String name) {
        return "/v1/base-models?name=" + name;
    }

    @Test
    void a_base_model_is_registered_once_and_found_again() {
        String name = RunningRegistry.unique("base");
        Answer created = HTTP.upload(route(name), TinyModels.base(8, 1));
        assertThat(created.status()).as("%s", created.body()).isEqualTo(201);
        assertThat(created.header("Location")).hasValue("/v1/base-models/" + name);
        assertThat(created.body().path("linearModules").asInt()).isEqualTo(2);
        assertThat(created.body().path("files").size()).isEqualTo(3);
        String config = "{\"model_type\": \"llama\", \"hidden_size\": 8}";
        assertThat(STORE.find(ObjectKey.blob(
                        Digest.of(config.getBytes(StandardCharsets.UTF_8)).hex())))
                .isPresent();

        Answer again = HTTP.upload(route(name), TinyModels.base(8, 1));
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.body()).isEqualTo(created.body());
        assertThat(HTTP.get("/v1/base-models/" + name).body()).isEqualTo(created.body());
        assertThat(HTTP.get("/v1/base-models?limit=1000").body().path("items").valueStream())
                .contains(created.body());
        assertThat(STORE.list("uploads/")).isEmpty();
    }

    @Test
    void a_name_keeps_its_content_for_ever() {
        String name = RunningRegistry.unique("base");
        HTTP.upload(route(name), TinyModels.base(8, 1));
        Answer other = HTTP.upload(route(name), TinyModels.base(8, 2));
        assertThat(other.status()).isEqualTo(409);
        assertThat(other.code()).isEqualTo("base_model_exists");
    }

    @Test
    void files_that_are_not_needed_are_refused_by_name() {
        String name = RunningRegistry.unique("base");
        Answer answer = HTTP.upload(route(name), TinyModels.base(8, 1).part("README.md", "hello"));
        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.code()).isEqualTo("base_model_invalid");
        assertThat(answer.violations()).containsExactly("part_unknown");
        assertThat(HTTP.get("/v1/base-models/" + name).code()).isEqualTo("base_model_not_found");
    }

    @Test
    void a_pickle_is_never_taken() {
        Form form = TinyModels.base(8, 1).part("pytorch_model.bin", "x");
        Answer answer = HTTP.upload(route(RunningRegistry.unique("base")), form);
        assertThat(answer.status()).isEqualTo(415);
        assertThat(answer.code()).isEqualTo("file_type_refused");
    }

    @Test
    void every_missing_or_broken_file_is_told_at_once() {
        Form form = new Form().part("config.json", "[]").part("model.safetensors", "short");
        assertThat(HTTP.upload(route(RunningRegistry.unique("base")), form).violations())
                .containsExactlyInAnyOrder("config_malformed", "safetensors_truncated_header", "file_missing");
        assertThat(HTTP.upload(route(RunningRegistry.unique("base")), new Form().part("tokenizer.json", "{}"))
                        .violations())
                .containsExactly("file_missing", "file_missing");
    }

    @Test
    void shards_must_be_those_of_the_index() {
        Form form = TinyModels.base(8, 1)
                .part(
                        "model.safetensors.index.json",
                        "{\"weight_map\": {\"model.layers.0.self_attn.q_proj.weight\": \"model-00001-of-00002.safetensors\"}}");
        assertThat(HTTP.upload(route(RunningRegistry.unique("base")), form).violations())
                .containsExactly("base_shards_incomplete");
    }

    @Test
    void a_name_that_is_none_is_refused() {
        assertThat(HTTP.upload(route("..%2Fetc"), TinyModels.base(8, 1)).code()).isEqualTo("name_invalid");
        assertThat(HTTP.upload("/v1/base-models", TinyModels.base(8, 1)).code()).isEqualTo("request_invalid");
    }
}
