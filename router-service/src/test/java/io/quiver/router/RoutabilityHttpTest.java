package io.quiver.router;

import static io.quiver.router.CalibratedRouter.fixture;
import static io.quiver.router.CalibratedRouter.router;
import static io.quiver.router.SampleRouter.elements;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.SafetensorsWriter;
import io.quiver.lora.safetensors.TensorInfo;
import io.quiver.schemas.Event.AdapterCatalogued;
import io.quiver.schemas.ExamplePrompts;
import io.quiver.schemas.StoredFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Reports on libraries over HTTP: adapters of the fixture, one of them copied and one hardly trained, with example prompts. */
@ExtendWith(CalibratedRouter.class)
class RoutabilityHttpTest {
    private static final List<String> PROMPTS = List.of(
            "five year",
            "Why?",
            "The cat of my aunt",
            "12 + 7 =",
            "select from where",
            "a quick brown fox",
            "Translate: bonjour",
            "Write a poem about rain",
            "snake_case_please",
            "{\"name\": \"x\"}",
            "What day is it?",
            "POSITIVE or NEGATIVE");

    @TempDir
    static Path directory;

    @BeforeAll
    static void publish() throws Exception {
        add("z/a", RunningRouter.resource("experts/e0"), PROMPTS.subList(0, 4));
        add("z/b", RunningRouter.resource("experts/e1"), PROMPTS.subList(4, 8));
        add("z/c", RunningRouter.resource("experts/e2"), PROMPTS.subList(8, 12));
        // The same weights at another scale: other bytes, the same evidence but for rounding.
        add("z/copy", changed("copy", 0, 3), List.of());
        List<String> tooLong = new ArrayList<>(PROMPTS.subList(0, 4));
        tooLong.add("word ".repeat(1000));
        add("z/long", changed("long", 0.3, 1), tooLong);
        // What PEFT begins with, A random and B nothing, but for a breath.
        Path untrained = changed("untrained", 1e-6, 0);
        add("z/untrained", untrained, List.of());
        awaitExperts(any -> true);
        List<String> deaf = new ArrayList<>();
        for (String prompt : PROMPTS) {
            JsonNode decision = decided(prompt, "z/a,z/b,z/untrained");
            for (JsonNode ranked : decision.path("ranking")) {
                if (ranked.path("name").asString("").equals("z/untrained")
                        && ranked.path("stand_out").asDouble()
                                < decision.path("threshold").asDouble()) {
                    deaf.add(prompt);
                }
            }
        }
        add("z/untrained", untrained, deaf);
        awaitExperts(adapter -> !adapter.adapter().name().equals("untrained")
                || adapter.versions().get(0).examples() != null);
    }

    private static void awaitExperts(Predicate<AdapterCatalogued> fits) {
        await().atMost(Duration.ofSeconds(30))
                .until(() -> router().bean(Catalogue.class).snapshot().adapters().stream()
                                .filter(adapter -> adapter.adapter().namespace().equals("z") && fits.test(adapter))
                                .count()
                        == 6);
    }

    private static void add(String name, Path folder, List<String> examples) throws Exception {
        RunningRouter router = router();
        StoredFile file = examples.isEmpty() ? null : router.storeFile(ExamplePrompts.FILE, jsonl(examples));
        router.catalogue(
                name,
                Map.of(),
                fixture().measured(router, folder, router.storeExpert(folder, 1), Optional.empty(), file));
    }

    private static byte[] jsonl(List<String> prompts) {
        return prompts.stream()
                .map(prompt -> RouterRequests.JSON.createObjectNode().put("prompt", prompt) + "\n")
                .collect(Collectors.joining())
                .getBytes(StandardCharsets.UTF_8);
    }

    /** Expert e0 with its B scaled and noise beside it; without a scale A is all noise too. */
    private static Path changed(String name, double noise, double scale) throws Exception {
        Path from = RunningRouter.resource("experts/e0");
        Path folder = Files.createDirectories(directory.resolve(name));
        Files.copy(from.resolve("adapter_config.json"), folder.resolve("adapter_config.json"));
        Random random = new Random(name.hashCode());
        SafetensorsWriter writer = new SafetensorsWriter();
        try (SafetensorsFile file =
                SafetensorsFile.open(from.resolve("adapter_model.safetensors"), SafetensorsLimits.ADAPTER)) {
            for (TensorInfo tensor : file.header().tensors()) {
                float[] values = file.floats(tensor.name());
                boolean b = tensor.name().contains("lora_B");
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float)
                            (b || scale == 0 ? scale * values[i] + (b ? noise : 1) * random.nextGaussian() : values[i]);
                }
                writer.floats(tensor.name(), tensor.shape(), values);
            }
        }
        Files.write(folder.resolve("adapter_model.safetensors"), writer.toBytes());
        return folder;
    }

    private static JsonNode report(String query) throws Exception {
        return RouterRequests.get(router(), "/v1/routability?model=tiny-llama&" + query, 200);
    }

    private static JsonNode refused(String query, int status) throws Exception {
        return RouterRequests.get(router(), "/v1/routability?" + query, status).path("error");
    }

    private static JsonNode decided(String prompt, String library) throws Exception {
        String experts = Stream.of(library.split(",")).collect(Collectors.joining("','", "['", "']"));
        return RouterRequests.answer(
                        router(),
                        "/v1/chat/completions",
                        "{'model':'tiny-llama','temperature':0,'max_tokens':1,'messages':[{'role':'user','content':'"
                                + prompt.replace("\"", "\\'") + "'}],'routing':{'experts':" + experts
                                + ",'strategy':'evidence'}}")
                .path("routing")
                .path("decisions")
                .path(0);
    }

    @Test
    void a_report_counts_what_completions_decide_about_the_examples() throws Exception {
        JsonNode report = report("experts=z/a,z/b,z/c");
        List<String> names = List.of("z/a", "z/b", "z/c");
        int[][] chosen = new int[3][4];
        int[] fires = new int[3];
        for (int i = 0; i < PROMPTS.size(); i++) {
            JsonNode decision = decided(PROMPTS.get(i), "z/a,z/b,z/c");
            String winner = decision.path("chosen").path(0).asString("base");
            chosen[i / 4][winner.equals("base") ? 3 : names.indexOf(winner)]++;
            for (JsonNode ranked : decision.path("ranking")) {
                boolean own = ranked.path("name").asString("").equals(names.get(i / 4));
                fires[i / 4] += own
                                && ranked.path("stand_out").asDouble()
                                        >= decision.path("threshold").asDouble()
                        ? 1
                        : 0;
            }
            assertThat(report.path("threshold").asDouble())
                    .isEqualTo(decision.path("threshold").asDouble());
        }
        for (int e = 0; e < 3; e++) {
            assertThat(IntStream.of(chosen[e]).boxed())
                    .isEqualTo(elements(report.path("chosen").path(e)).stream()
                            .map(JsonNode::asInt)
                            .toList());
            JsonNode expert = report.path("experts").path(e);
            assertThat(expert.path("name").asString()).isEqualTo(names.get(e));
            JsonNode examples = expert.path("examples");
            assertThat(examples.path("uploaded").asInt()).isEqualTo(4);
            assertThat(examples.path("read").asInt()).isEqualTo(4);
            assertThat(examples.path("fires").asInt()).isEqualTo(fires[e]);
            assertThat(examples.path("chosen").asInt()).isEqualTo(chosen[e][e]);
            assertThat(expert.path("others_examples").path("read").asInt()).isEqualTo(8);
        }
        assertThat(report.path("generic_requests").asInt()).isEqualTo(24);
        assertThat(report.path("sharpened").asBoolean()).isFalse();
    }

    private static JsonNode expert(JsonNode report, String name) {
        return elements(report.path("experts")).stream()
                .filter(expert -> expert.path("name").asString("").equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void a_copy_under_another_name_is_named_as_confusable() throws Exception {
        JsonNode report = report("experts=z/a,z/b,z/copy");
        JsonNode copy = expert(report, "z/copy");
        assertThat(copy.path("verdict").asString()).isEqualTo("confusable");
        assertThat(copy.path("confused_with").path(0).asString()).isEqualTo("z/a");
        assertThat(copy.path("generic").path("nearest").asString()).isEqualTo("z/a");
        assertThat(copy.path("generic").path("correlation").asDouble()).isCloseTo(1, within(1e-6));
        assertThat(report.path("correlations").path(0).path(2).asDouble()).isCloseTo(1, within(1e-6));
        assertThat(elements(expert(report, "z/a").path("confused_with")).stream()
                        .map(JsonNode::asString))
                .contains("z/copy");
        assertThat(copy.path("examples").path("read").asInt()).isZero();
        assertThat(copy.path("examples").has("stand_out")).isFalse();
    }

    @Test
    void the_same_content_under_another_name_is_named_although_it_is_one_expert() throws Exception {
        JsonNode report = report("experts=z/a,t/e0,z/b");
        assertThat(report.path("experts")).hasSize(2);
        assertThat(elements(expert(report, "z/a").path("same_content")).stream().map(JsonNode::asString))
                .containsExactly("t/e0");
        assertThat(expert(report("experts=z/copy"), "z/copy").has("same_content"))
                .isFalse();
    }

    @Test
    void an_expert_that_was_hardly_trained_never_fires_on_what_it_does_not_hear() throws Exception {
        JsonNode untrained = expert(report("experts=z/a,z/b,z/untrained"), "z/untrained");
        assertThat(untrained.path("examples").path("read").asInt()).isGreaterThanOrEqualTo(4);
        assertThat(untrained.path("verdict").asString()).isEqualTo("never_fires");
        assertThat(untrained.path("examples").path("fires").asInt()).isZero();
    }

    @Test
    void examples_are_read_up_to_the_number_asked_for_and_those_too_long_are_counted() throws Exception {
        JsonNode all =
                expert(report("experts=z/long,z/b&examples=64"), "z/long").path("examples");
        assertThat(all.path("uploaded").asInt()).isEqualTo(5);
        assertThat(all.path("read").asInt()).isEqualTo(4);
        assertThat(all.path("too_long").asInt()).isEqualTo(1);
        JsonNode two = expert(report("experts=z/long,z/b&examples=2"), "z/long").path("examples");
        assertThat(two.path("read").asInt()).isEqualTo(2);
        assertThat(two.has("too_long")).isFalse();
    }

    @Test
    void a_library_with_an_expert_that_is_not_calibrated_has_no_report() throws Exception {
        JsonNode error = refused("model=tiny-llama&experts=z/a,t/late", 400);
        assertThat(error.path("code").asString()).isEqualTo("not_calibrated");
        assertThat(error.path("message").asString()).contains("t/late");
        assertThat(refused("all=true", 400).path("code").asString()).isEqualTo("not_calibrated");
        assertThat(refused("", 400)).isEqualTo(refused("all=true", 400));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "400 invalid_request examples|experts=z/a&examples=0",
                "400 invalid_request examples|experts=z/a&examples=65",
                "400 invalid_request examples|experts=z/a&examples=many",
                "400 invalid_request experts|experts=z/a&all=true",
                "400 invalid_request experts|experts=z/a,,z/b",
                "400 invalid_request selector|selector=skill",
                "400 invalid_request all|all=yes",
                "400 invalid_request model|experts=z/a&model=tiny-llama&model=other",
                "400 unknown_parameter colour|experts=z/a&colour=1",
                "400 library_empty selector|selector=skill=none",
                "404 model_not_found experts|experts=z/nobody",
                "404 model_not_found model|model=nobody/x&experts=z/a",
                "400 invalid_request experts|model=z/a&experts=z/a",
            })
    void what_cannot_be_reported_is_refused_by_name(String fault) throws Exception {
        String[] parts = fault.split("[ |]", 4);
        JsonNode error = refused(parts[3], Integer.parseInt(parts[0]));
        assertThat(error.path("code").asString()).isEqualTo(parts[1]);
        assertThat(error.path("param").asString()).isEqualTo(parts[2]);
    }
}
