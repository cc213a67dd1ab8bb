package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.registry.RegistryHttp.Answer;
import io.quiver.registry.RegistryHttp.Form;
import io.quiver.schemas.Digest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is wrong with an upload has a code of its own, and leaves nothing behind. */
class BadInputTest {
    private static final RegistryHttp HTTP = RunningRegistry.shared().http();
    private static final ObjectStore STORE = RunningRegistry.store();
    private static final String BASE = RunningRegistry.unique("bad-input-base");
    private static final String NARROW = RunningRegistry.unique("narrow-base");

    @BeforeAll
    static void register_the_bases() {
        assertThat(HTTP.upload("/v1/base-models?name=" + BASE, TinyModels.base(TinyModels.HIDDEN, 1))
                        .status())
                .isEqualTo(201);
        assertThat(HTTP.upload("/v1/base-models?name=" + NARROW, TinyModels.base(4, 1))
                        .status())
                .isEqualTo(201);
    }

    private static TinyModels.Draft draft() {
        return TinyModels.adapter(99);
    }

    private static Arguments refused(String what, int status, String code, String violation, Form form) {
        return Arguments.of(what, status, code, violation, form);
    }

    private static Arguments invalid(String what, String violation, Form form) {
        return refused(what, 422, "adapter_invalid", violation, form);
    }

    private static Arguments invalidFile(String what, String violation, byte[] weights) {
        return invalid(what, violation, draft().form(BASE, weights));
    }

    static Stream<Arguments> brokenFiles() {
        byte[] right = draft().weights();
        byte[] longHeader = right.clone();
        ByteBuffer.wrap(longHeader).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 1L << 40);
        byte[] headerBeyondEnd = right.clone();
        ByteBuffer.wrap(headerBeyondEnd).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 1L << 20);
        return Stream.of(
                invalidFile("a header that ends early", "safetensors_truncated_header", Arrays.copyOf(right, 40)),
                invalidFile("a file of five bytes", "safetensors_truncated_header", Arrays.copyOf(right, 5)),
                invalidFile("a header beyond the end", "safetensors_truncated_header", headerBeyondEnd),
                invalidFile("an oversized header", "safetensors_header_too_large", longHeader),
                invalidFile("no JSON", "safetensors_malformed_header", TinyModels.safetensors("hello", 0)),
                invalidFile(
                        "overlapping offsets",
                        "safetensors_overlap",
                        TinyModels.safetensors(
                                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                                        + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
                                12)),
                invalidFile(
                        "offsets that do not fit the shape",
                        "safetensors_offset_mismatch",
                        TinyModels.safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8)),
                invalidFile(
                        "data that end early", "safetensors_truncated_data", Arrays.copyOf(right, right.length - 1)),
                invalidFile(
                        "bytes behind the end", "safetensors_trailing_bytes", Arrays.copyOf(right, right.length + 1)));
    }

    static Stream<Arguments> wrongContent() {
        float[] nan = draft().values(TinyModels.Draft.a(0)).clone();
        nan[3] = Float.NaN;
        List<Long> shapeOfA = List.of(2L, 8L);
        return Stream.of(
                invalid(
                        "a wrong shape",
                        "shape_mismatch",
                        draft().tensor(TinyModels.Draft.a(0), List.of(2L, 9L), new float[18])
                                .form(BASE)),
                invalid(
                        "another rank",
                        "rank_mismatch",
                        draft().tensor(TinyModels.Draft.a(0), List.of(3L, 8L), new float[24])
                                .tensor(TinyModels.Draft.b(0), List.of(8L, 3L), new float[24])
                                .form(BASE)),
                invalid(
                        "no B",
                        "missing_lora_b",
                        draft().without(TinyModels.Draft.b(1)).form(BASE)),
                invalid(
                        "no A",
                        "missing_lora_a",
                        draft().without(TinyModels.Draft.a(1)).form(BASE)),
                invalid(
                        "NaN",
                        "not_finite",
                        draft().tensor(TinyModels.Draft.a(0), shapeOfA, nan).form(BASE)),
                invalid(
                        "rank 0",
                        "rank_invalid",
                        draft().replaceInConfig("\"r\": 2", "\"r\": 0").form(BASE)),
                invalid(
                        "an unknown tensor",
                        "unknown_tensor",
                        draft().tensor("base_model.model.mystery", List.of(1L), new float[1])
                                .form(BASE)),
                invalid(
                        "DoRA",
                        "dora_unsupported",
                        draft().with("\"use_dora\": true").form(BASE)),
                invalid(
                        "modules to save",
                        "modules_to_save_unsupported",
                        draft().with("\"modules_to_save\": [\"lm_head\"]").form(BASE)),
                invalid(
                        "another method",
                        "unsupported_peft_type",
                        draft().replaceInConfig("LORA", "LOHA").form(BASE)),
                invalid(
                        "a configuration that is no JSON",
                        "config_malformed",
                        draft().config("{").form(BASE)),
                invalid("a base model with other shapes", "shape_mismatch", draft().form(NARROW)),
                refused(
                        "a base model that is not registered",
                        422,
                        "base_model_unknown",
                        "base_model_unknown",
                        draft().form("no-such-base")),
                refused(
                        "a pickle",
                        415,
                        "file_type_refused",
                        "file_type_refused",
                        new Form().part("adapter_config.json", draft().config()).part("adapter_model.bin", "x")),
                refused(
                        "a pickle beside the right files",
                        415,
                        "file_type_refused",
                        "file_type_refused",
                        draft().form(BASE).part("training_args.pt", "x")),
                invalid("another file", "part_unknown", draft().form(BASE).part("README.md", "hello")),
                invalid("a file in a folder", "part_unknown", draft().form(BASE).part("../adapter_config.json", "{}")),
                invalid(
                        "no weights",
                        "file_missing",
                        new Form().part("adapter_config.json", draft().config()).part("base", BASE)),
                invalid(
                        "no configuration",
                        "file_missing",
                        new Form()
                                .part("adapter_model.safetensors", draft().weights())
                                .part("base", BASE)),
                invalid(
                        "labels that are no object",
                        "labels_invalid",
                        draft().form(BASE).part("labels", "[]")),
                invalid(
                        "labels that are no strings",
                        "labels_invalid",
                        draft().form(BASE).part("labels", "{\"a\": 1}")),
                invalid(
                        "an upper-case label",
                        "labels_invalid",
                        draft().form(BASE).part("labels", "{\"Skill\": \"sql\"}")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource({"brokenFiles", "wrongContent"})
    void what_is_wrong_is_refused_with_its_own_code_and_nothing_is_stored(
            String what, int status, String code, String violation, Form form) {
        String adapter = "/v1/adapters/bad/" + RunningRegistry.unique("input");
        int blobs = STORE.list("blobs/").size();
        Answer answer = HTTP.upload(adapter + "/versions", form);
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(status);
        assertThat(answer.code()).isEqualTo(code);
        assertThat(answer.violations()).contains(violation);
        assertThat(answer.header("Content-Type")).hasValue("application/problem+json");
        assertThat(answer.body().path("detail").asString()).isNotBlank();
        assertThat(HTTP.get(adapter).code()).isEqualTo("adapter_unknown");
        assertThat(STORE.list("uploads/")).isEmpty();
        assertThat(STORE.list("blobs/")).hasSize(blobs);
    }

    @Test
    void everything_that_is_wrong_is_told_at_once() {
        Form form = draft().with("\"use_dora\": true")
                .without(TinyModels.Draft.b(0))
                .tensor("base_model.model.mystery", List.of(1L), new float[1])
                .form(BASE)
                .part("labels", "{\"a\": 1}")
                .part("README.md", "hello");
        assertThat(HTTP.upload("/v1/adapters/bad/everything/versions", form).violations())
                .contains("dora_unsupported", "missing_lora_b", "unknown_tensor", "labels_invalid", "part_unknown");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1/adapters/Upper/name/versions",
                "/v1/adapters/ns/UPPER/versions",
                "/v1/adapters/ns/a%2Fb/versions",
                "/v1/adapters/ns/a%5Cb/versions",
                "/v1/adapters/%2e%2e/name/versions",
                "/v1/adapters/ns/%2E%2E/versions",
                "/v1/adapters/ns/a..b/versions",
                "/v1/adapters/ns/..%2F..%2Fetc/versions",
                "/v1/adapters/ns/-a/versions",
                "/v1/adapters/ns/%20/versions",
                "/v1/adapters/ns/%C3%A9/versions"
            })
    void a_name_with_slashes_dots_or_upper_case_is_refused(String path) {
        Answer answer = HTTP.upload(path, draft().form(BASE));
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(400);
        assertThat(answer.code()).isEqualTo("name_invalid");
        assertThat(HTTP.get(path).code()).isEqualTo("name_invalid");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/adapters/../../etc/passwd", "/v1/adapters/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/%00"})
    void a_path_that_leaves_the_root_is_a_problem_like_all_others(String path) {
        Answer answer = HTTP.get(path);
        assertThat(answer.status()).isBetween(400, 404);
        assertThat(answer.code()).isIn("request_invalid", "route_unknown");
    }

    @Test
    void an_upload_that_breaks_off_is_refused_and_leaves_nothing() {
        byte[] body = draft().form(BASE).toBytes();
        Answer answer = HTTP.post(
                "/v1/adapters/bad/broken-off/versions",
                "multipart/form-data; boundary=quiver-test-boundary",
                Arrays.copyOf(body, body.length / 2));
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(400);
        assertThat(answer.code()).isEqualTo("upload_broken_off");
        assertThat(STORE.list("uploads/")).isEmpty();
        assertThat(HTTP.get("/v1/adapters/bad/broken-off").code()).isEqualTo("adapter_unknown");
    }

    @Test
    void a_body_that_is_no_form_is_an_unsupported_media_type() {
        Answer answer =
                HTTP.post("/v1/adapters/bad/json/versions", "application/json", "{}".getBytes(StandardCharsets.UTF_8));
        assertThat(answer.status()).isEqualTo(415);
        assertThat(answer.code()).isEqualTo("media_type_unsupported");
    }

    @Test
    void a_refused_upload_leaves_content_that_others_have() {
        String good = "/v1/adapters/bad/" + RunningRegistry.unique("good") + "/versions";
        TinyModels.Draft draft = TinyModels.adapter(77);
        assertThat(HTTP.upload(good, draft.form(BASE)).status()).isEqualTo(201);
        assertThat(HTTP.upload(
                                "/v1/adapters/bad/" + RunningRegistry.unique("bad") + "/versions",
                                draft.with("\"use_dora\": true").form(BASE))
                        .status())
                .isEqualTo(422);
        assertThat(STORE.find(ObjectKey.blob(Digest.of(draft.weights()).hex()))).isPresent();
    }
}
