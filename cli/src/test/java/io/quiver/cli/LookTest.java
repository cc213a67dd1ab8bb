package io.quiver.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that look at a registry: base, ls, show, watch; and what all commands have in common. */
class LookTest {
    private static final String DIGEST = "sha256:" + "ab".repeat(32);
    private static final String VERSION = """
            {"adapter":"team/sql","version":3,"state":"READY","digest":"%s","base":{"name":"tiny","digest":"%s"},
             "files":[{"name":"adapter_model.safetensors","digest":"%s","sizeBytes":2048}],"uploadedAt":"2026-11-22T08:00:00Z",
             "failure":null,"prototypes":{"algorithm":"arrow-v1","key":"k","digest":"%s","sizeBytes":9},"rank":8,"moduleCount":3}""".formatted(DIGEST, DIGEST, DIGEST, DIGEST);
    private static final String PROTOTYPES = """
            {"algorithm":"arrow-v1","modules":[
              {"module":"model.layers.0.self_attn.q_proj","rank":4,"sigma1":1.0,"sigmaRatio":0.5},
              {"module":"model.layers.0.mlp.up_proj","rank":4,"sigma1":3.0,"sigmaRatio":0.25},
              {"module":"model.layers.1.mlp.up_proj","rank":8,"sigma1":1.0,"sigmaRatio":0.999}]}""";
    private static final String ADAPTER = """
            {"adapter":"team/sql","labels":{"skill":"sql"},"aliases":{"champion":2},"latest":3,"newest":%s}""".formatted(VERSION);

    private final ContractServer server = new ContractServer();
    private final Shown shown = Shown.inAPipe();

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void all_pages_of_adapters_are_listed() {
        server.on("GET /v1/adapters", 200, "{\"items\":[" + ADAPTER + "],\"nextCursor\":\"c 2\"}")
                .on("GET /v1/adapters", 200, "{\"items\":[" + ADAPTER.replace("team/sql", "team/poems") + "]}");

        assertThat(shown.run(server.environment(), "ls", "--selector", "skill=sql"))
                .isZero();

        assertThat(server.received.get(0).line()).contains("selector=skill%3Dsql");
        assertThat(server.received.get(1).line()).contains("cursor=c%202");
        assertThat(shown.out())
                .contains("team/sql    3        READY  tiny  8/3")
                .contains("team/poems")
                .contains("abababababab  2 h\n");
    }

    @Test
    void a_registry_without_adapters_says_how_to_get_one() {
        server.on("GET /v1/adapters", 200, "{\"items\":[]}");

        assertThat(shown.run(server.environment(), "ls")).isZero();

        assertThat(shown.out()).contains("quiver push FOLDER");
    }

    @Test
    void a_failed_version_is_listed_with_its_reason() {
        server.on("GET /v1/adapters/team/sql/versions", 200, """
                {"items":[{"version":1,"state":"FAILED","prototypes":null,"digest":"%s","base":{"name":"tiny"},
                  "failure":{"code":"zero_update","message":"B is zero","module":"m.q"}}]}""".formatted(DIGEST));

        assertThat(shown.run(server.environment(), "ls", "team/sql")).isZero();

        assertThat(shown.out()).contains("FAILED").contains("B is zero (zero_update, m.q)");
    }

    @Test
    void a_version_is_shown_with_a_picture_of_its_prototypes() {
        server.on("GET /v1/adapters/team/sql", 200, ADAPTER)
                .on("GET /v1/adapters/team/sql/versions/3", 200, VERSION)
                .on("GET /v1/adapters/team/sql/versions/3/prototypes", 200, PROTOTYPES);

        assertThat(shown.run(server.environment(), "show", "team/sql")).isZero();

        assertThat(shown.out())
                .contains("team/sql:3  READY")
                .contains("skill=sql")
                .contains("champion→2")
                .contains("2.0 KiB")
                .contains("3 modules, rank 4…8, prototypes by arrow-v1")
                .contains("    0  " + "█".repeat(20) + " 2.00     " + "█".repeat(10) + " ".repeat(10) + " 0.500")
                .contains("    1  " + "█".repeat(10) + " ".repeat(10) + " 1.00")
                .contains("1 modules have σ₂/σ₁ above 0.95");
    }

    @Test
    void events_are_shown_as_they_come_from_where_was_asked() {
        server.onStream("GET /v1/events", """
                : heartbeat

                id: 6
                event: AdapterReady
                data: {"id":6,"time":"2026-11-22T10:00:00.5Z","type":"AdapterReady","subject":"s","data":{"adapter":"team/sql","version":3,"moduleCount":21,"base":{"name":"tiny"}}}

                id: 7
                event: BaseModelRegistered
                data: {"id":7,"time":"2026-11-22T10:00:01Z","type":"BaseModelRegistered","subject":"base/tiny","data":{"base":{"name":"tiny"}}}

                """);

        int status = shown.run(
                server.environment(),
                "watch",
                "--from",
                "5",
                "--type",
                "AdapterReady,BaseModelRegistered",
                "--count",
                "2");

        assertThat(status).isZero();
        assertThat(server.received.get(0).line())
                .contains("after=5")
                .contains("types=AdapterReady%2CBaseModelRegistered");
        assertThat(shown.out().lines())
                .containsExactly(
                        "     6  10:00:00.500  AdapterReady         team/sql:3  base tiny  21 modules",
                        "     7  10:00:01.000  BaseModelRegistered  base/tiny");
    }

    @Test
    void a_base_model_is_uploaded_without_what_is_no_part_of_it(@TempDir Path folder) throws IOException {
        Path model = Files.createDirectory(folder.resolve("Tiny Model"));
        for (String name : new String[] {
            "config.json", "model.safetensors", "tokenizer.json", "pytorch_model.bin", "README.md", "expected.json"
        }) {
            Files.writeString(model.resolve(name), "{}");
        }
        server.on(
                "POST /v1/base-models",
                201,
                "{\"name\":\"tiny-model\",\"digest\":\"" + DIGEST + "\",\"linearModules\":21}");

        assertThat(shown.run(server.environment(), "base", "add", model.toString()))
                .isZero();

        assertThat(server.received.get(0).line()).isEqualTo("POST /v1/base-models?name=tiny-model");
        assertThat(server.received.get(0).text())
                .contains("filename=\"config.json\"")
                .contains("filename=\"model.safetensors\"")
                .contains("filename=\"tokenizer.json\"")
                .doesNotContain("pytorch_model.bin")
                .doesNotContain("README.md")
                .doesNotContain("expected.json");
        assertThat(shown.out()).contains("tiny-model  " + DIGEST + "  21 linear modules, 3 files");
    }

    @Test
    void the_version_is_the_build_s_and_the_help_has_runnable_examples() {
        assertThat(shown.run(Map.of(), "--version")).isZero();
        assertThat(shown.out()).matches("quiver [0-9]+\\.[0-9]+\\.[0-9]+\\R");

        assertThat(shown.run(Map.of(), "push", "--help")).isZero();
        assertThat(shown.out()).contains("quiver push ./my-adapter").contains("--label");
    }

    @Test
    void an_unknown_command_or_option_is_a_usage_error() {
        assertThat(shown.run(Map.of(), "fly")).isEqualTo(ExitStatus.USAGE);
        assertThat(shown.run(Map.of(), "ls", "--frobnicate")).isEqualTo(ExitStatus.USAGE);
        assertThat(shown.run(Map.of(), "ls", "not-a-name")).isEqualTo(ExitStatus.USAGE);
    }

    @Test
    void something_else_at_the_address_is_not_taken_for_a_registry() {
        server.on("GET /v1/adapters", 200, "<html>hello</html>");

        assertThat(shown.run(server.environment(), "ls")).isEqualTo(ExitStatus.REFUSED);
        assertThat(shown.err()).contains("does not speak as a registry does: <html>");
    }

    @Test
    void a_port_that_is_none_or_is_used_twice_is_a_usage_error_and_nothing_starts(@TempDir Path data) {
        assertThat(shown.run(Map.of(), "up", "--data", data + "/x", "--registry-port", "0"))
                .isEqualTo(ExitStatus.USAGE);
        assertThat(shown.run(Map.of(), "demo", "--data", data + "/x", "--s3-port", "7070"))
                .isEqualTo(ExitStatus.USAGE);

        assertThat(shown.err())
                .contains("--registry-port must be 1 to 65535")
                .contains("--s3-port and --registry-port are both 7070");
        assertThat(data.resolve("x")).doesNotExist();
    }
}
