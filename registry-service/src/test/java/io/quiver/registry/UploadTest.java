package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.registry.RegistryHttp.Answer;
import io.quiver.schemas.Digest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class UploadTest {
    private static final RegistryHttp HTTP = RunningRegistry.shared().http();
    private static final ObjectStore STORE = RunningRegistry.store();
    private static final String BASE = RunningRegistry.unique("upload-base");

    @BeforeAll
    static void register_the_base() {
        assertThat(HTTP.upload("/v1/base-models?name=" + BASE, TinyModels.base(TinyModels.HIDDEN, 1))
                        .status())
                .isEqualTo(201);
    }

    @Test
    void an_upload_becomes_version_1_with_its_files_under_their_digests() throws Exception {
        String route = "/v1/adapters/acme/" + RunningRegistry.unique("sql") + "/versions";
        TinyModels.Draft draft = TinyModels.adapter(1);
        Answer answer = HTTP.upload(route, draft.form(BASE).part("labels", "{\"skill\": \"sql\"}"));
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(201);
        assertThat(answer.header("Location")).hasValue(route + "/1");
        assertThat(answer.header("ETag")).isPresent();
        assertThat(answer.body().path("state").asString()).isEqualTo("UPLOADED");
        assertThat(answer.body().path("version").asInt()).isEqualTo(1);
        assertThat(answer.body().path("base").path("name").asString()).isEqualTo(BASE);

        Digest config = Digest.of(draft.config().getBytes(StandardCharsets.UTF_8));
        Digest weights = Digest.of(draft.weights());
        assertThat(answer.body().path("digest").asString())
                .isEqualTo(Digest.ofFiles(Map.of("adapter_config.json", config, "adapter_model.safetensors", weights))
                        .toString());
        try (var blob = STORE.get(ObjectKey.blob(weights.hex()))) {
            assertThat(blob.readAllBytes()).isEqualTo(draft.weights());
        }
        assertThat(STORE.find(ObjectKey.blob(config.hex()))).isPresent();
        assertThat(STORE.list("uploads/")).isEmpty();
        assertThat(HTTP.get(route + "/1").body()).isEqualTo(answer.body());
    }

    @Test
    void the_same_content_again_is_the_same_version_and_other_content_the_next() {
        String route = "/v1/adapters/acme/" + RunningRegistry.unique("sql") + "/versions";
        Answer first = HTTP.upload(route, TinyModels.adapter(2).form(BASE));
        Answer again = HTTP.upload(route, TinyModels.adapter(2).form(BASE));
        Answer other = HTTP.upload(route, TinyModels.adapter(3).form(BASE));
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.header("Location")).hasValue(route + "/1");
        assertThat(again.body().path("digest")).isEqualTo(first.body().path("digest"));
        assertThat(other.status()).isEqualTo(201);
        assertThat(other.body().path("version").asInt()).isEqualTo(2);
    }

    @Test
    void a_dry_run_says_what_would_come_and_stores_nothing() {
        String adapter = "/v1/adapters/acme/" + RunningRegistry.unique("dry");
        TinyModels.Draft draft = TinyModels.adapter(4);
        Answer answer = HTTP.upload(adapter + "/versions:validate", draft.form(BASE));
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(200);
        assertThat(answer.body().path("moduleCount").asInt()).isEqualTo(2);
        assertThat(answer.body().path("base").path("name").asString()).isEqualTo(BASE);
        assertThat(HTTP.get(adapter).code()).isEqualTo("adapter_unknown");
        assertThat(STORE.find(ObjectKey.blob(Digest.of(draft.weights()).hex()))).isEmpty();
        assertThat(HTTP.upload(
                                adapter + "/versions:validate",
                                draft.without(TinyModels.Draft.b(0)).form(BASE))
                        .violations())
                .contains("missing_lora_b");
    }

    @Test
    void the_base_is_found_by_the_name_in_the_configuration_whole_or_by_its_last_segment() {
        String route = "/v1/adapters/acme/" + RunningRegistry.unique("named") + "/versions:validate";
        for (String name : new String[] {BASE, "/models/" + BASE, "Org/" + BASE.toUpperCase(Locale.ROOT)}) {
            Answer answer = HTTP.upload(
                    route,
                    TinyModels.adapter(5)
                            .with("\"base_model_name_or_path\": \"" + name + "\"")
                            .form(""));
            assertThat(answer.body().path("base").path("name").asString())
                    .as(name)
                    .isEqualTo(BASE);
        }
    }

    @Test
    void a_base_that_nobody_names_is_found_by_its_shapes_if_only_one_fits() {
        int hidden = 24;
        String only = RunningRegistry.unique("wide-base");
        HTTP.upload("/v1/base-models?name=" + only, TinyModels.base(hidden, 6));
        TinyModels.Draft wide = TinyModels.adapter(6);
        for (int layer = 0; layer < TinyModels.LAYERS; layer++) {
            wide.tensor(TinyModels.Draft.a(layer), List.of(2L, (long) hidden), new float[2 * hidden])
                    .tensor(TinyModels.Draft.b(layer), List.of((long) hidden, 2L), new float[2 * hidden]);
        }
        String route = "/v1/adapters/acme/" + RunningRegistry.unique("wide") + "/versions:validate";
        assertThat(HTTP.upload(route, wide.form(""))
                        .body()
                        .path("base")
                        .path("name")
                        .asString())
                .isEqualTo(only);
        HTTP.upload("/v1/base-models?name=" + RunningRegistry.unique("wide-base"), TinyModels.base(hidden, 7));
        assertThat(HTTP.upload(route, wide.form("")).code()).isEqualTo("base_model_unknown");
    }

    @Test
    void the_same_content_for_another_base_is_a_conflict() {
        String route = "/v1/adapters/acme/" + RunningRegistry.unique("two-bases") + "/versions";
        String other = RunningRegistry.unique("other-base");
        HTTP.upload("/v1/base-models?name=" + other, TinyModels.base(TinyModels.HIDDEN, 8));
        assertThat(HTTP.upload(route, TinyModels.adapter(8).form(BASE)).status())
                .isEqualTo(201);
        Answer conflict = HTTP.upload(route, TinyModels.adapter(8).form(other));
        assertThat(conflict.status()).isEqualTo(409);
        assertThat(conflict.code()).isEqualTo("base_model_conflict");
    }
}
