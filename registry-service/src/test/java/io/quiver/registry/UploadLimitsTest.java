package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.objectstore.ObjectStore;
import io.quiver.registry.RegistryHttp.Answer;
import io.quiver.registry.RegistryHttp.Form;
import io.quiver.schemas.LabelSelector;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** As much as an upload may hold is taken, and one more is refused. */
class UploadLimitsTest {
    private static final RegistryHttp HTTP = RunningRegistry.shared().http();
    private static final ObjectStore STORE = RunningRegistry.store();
    private static final String BASE = RunningRegistry.unique("limits-base");

    @BeforeAll
    static void register_the_base() {
        assertThat(HTTP.upload("/v1/base-models?name=" + BASE, TinyModels.base(TinyModels.HIDDEN, 1))
                        .status())
                .isEqualTo(201);
    }

    private static TinyModels.Draft draft() {
        return TinyModels.adapter(99);
    }

    @Test
    void a_name_of_63_characters_is_taken_and_one_of_64_is_not() {
        String longest = "n".repeat(63);
        assertThat(HTTP.upload(
                                "/v1/adapters/limits/" + longest + "/versions",
                                TinyModels.adapter(63).form(BASE))
                        .status())
                .isEqualTo(201);
        assertThat(HTTP.upload(
                                "/v1/adapters/limits/" + longest + "n/versions",
                                TinyModels.adapter(63).form(BASE))
                        .code())
                .isEqualTo("name_invalid");
    }

    @Test
    void weights_of_the_limit_are_read_and_one_byte_more_is_too_large() {
        String route = "/v1/adapters/limits/" + RunningRegistry.unique("limit") + "/versions";
        byte[] atLimit = new byte[RunningRegistry.WEIGHTS_BYTES_MAX];
        byte[] overLimit = new byte[RunningRegistry.WEIGHTS_BYTES_MAX + 1];
        assertThat(HTTP.upload(route, draft().form(BASE, atLimit)).status()).isEqualTo(422);
        Answer over = HTTP.upload(route, draft().form(BASE, overLimit));
        assertThat(over.status()).isEqualTo(413);
        assertThat(over.code()).isEqualTo("upload_too_large");
        assertThat(STORE.list("uploads/")).isEmpty();
    }

    @Test
    void a_configuration_of_the_limit_is_read_and_one_byte_more_is_too_large() {
        String route = "/v1/adapters/limits/" + RunningRegistry.unique("limit") + "/versions:validate";
        String config = draft().config();
        String atLimit = config + " ".repeat(RunningRegistry.CONFIG_BYTES_MAX - config.length());
        assertThat(HTTP.upload(route, draft().config(atLimit).form(BASE)).status())
                .isEqualTo(200);
        assertThat(HTTP.upload(route, draft().config(atLimit + " ").form(BASE)).code())
                .isEqualTo("upload_too_large");
    }

    @Test
    void more_parts_than_the_limit_are_too_many() {
        String route = "/v1/adapters/limits/" + RunningRegistry.unique("limit") + "/versions";
        Form form = draft().form(BASE).part("labels", "{}");
        for (int extra = 4; extra < RunningRegistry.ADAPTER_PARTS_MAX; extra++) {
            form.part("extra-" + extra, "x");
        }
        assertThat(HTTP.upload(route, form).status()).isEqualTo(422);
        assertThat(HTTP.upload(route, form.part("one-more", "x")).code()).isEqualTo("upload_too_large");
    }

    @Test
    void as_many_labels_as_the_limit_are_taken_and_one_more_is_not() {
        String route = "/v1/adapters/limits/" + RunningRegistry.unique("limit") + "/versions:validate";
        assertThat(HTTP.upload(route, draft().form(BASE).part("labels", labels(LabelSelector.LABELS_MAX)))
                        .status())
                .isEqualTo(200);
        assertThat(HTTP.upload(route, draft().form(BASE).part("labels", labels(LabelSelector.LABELS_MAX + 1)))
                        .violations())
                .containsExactly("labels_invalid");
    }

    private static String labels(int count) {
        StringBuilder json = new StringBuilder("{");
        for (int i = 0; i < count; i++) {
            json.append(i == 0 ? "" : ",").append("\"k").append(i).append("\": \"v\"");
        }
        return json.append("}").toString();
    }
}
