package io.quiver.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.cli.ContractServer.Received;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PushTest {
    private static final String VERSIONS = "POST /v1/adapters/default/sql/versions";
    private static final String DIGEST = "sha256:" + "ab".repeat(32);

    private final ContractServer server = new ContractServer();
    private final Shown shown = Shown.inAPipe();

    @TempDir
    Path folder;

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void an_adapter_is_uploaded_with_its_base_and_labels_and_followed_to_ready() throws IOException {
        Path adapter = adapter("sql");
        Files.writeString(adapter.resolve("examples.jsonl"), "{\"prompt\": \"All players\"}\n");
        server.on(VERSIONS, 201, version(1, "UPLOADED"))
                .onStream(
                        "GET /v1/events",
                        event(1, "AdapterComputing", 1, "\"worker\":\"w-1\"")
                                + event(2, "AdapterReady", 1, "\"moduleCount\":21"));

        int status =
                shown.run(server.environment(), "push", adapter.toString(), "--base", "tiny", "--label", "skill=sql");

        assertThat(status).isZero();
        Received upload = server.received.get(0);
        assertThat(upload.text())
                .contains("name=\"adapter_config.json\"; filename=\"adapter_config.json\"")
                .contains("{\"r\":4}")
                .contains("name=\"adapter_model.safetensors\"; filename=\"adapter_model.safetensors\"")
                .contains("name=\"examples.jsonl\"; filename=\"examples.jsonl\"")
                .contains("{\"prompt\": \"All players\"}")
                .contains("name=\"base\"")
                .contains("tiny")
                .contains("{\"skill\":\"sql\"}");
        assertThat(upload.header("Content-length")).isEqualTo(String.valueOf(upload.body().length));
        assertThat(shown.out()).contains("COMPUTING  by w-1").contains("default/sql:1  READY  21 modules");
    }

    @Test
    void every_violation_of_a_refusal_is_shown_with_its_code_place_and_message() throws IOException {
        server.on(VERSIONS, 422, """
                {"title":"The adapter cannot be registered","status":422,"detail":"2 violations","code":"adapter_invalid",
                 "violations":[
                  {"code":"missing_lora_b","message":"A has no B. Save the adapter again.","where":"model.layers.0.self_attn.q_proj"},
                  {"code":"not_finite","message":"3 values are NaN.","where":"model.layers.1.mlp.up_proj"}]}""");

        int status = shown.run(server.environment(), "push", adapter("sql").toString());

        assertThat(status).isEqualTo(ExitStatus.REFUSED);
        assertThat(shown.err())
                .contains("default/sql was not accepted (adapter_invalid): 2 things are wrong")
                .contains("missing_lora_b  model.layers.0.self_attn.q_proj")
                .contains("A has no B. Save the adapter again.")
                .contains("not_finite  model.layers.1.mlp.up_proj")
                .contains("3 values are NaN.");
    }

    @Test
    void a_version_that_fails_ends_with_status_1_and_its_reason() throws IOException {
        server.on(VERSIONS, 201, version(1, "UPLOADED"))
                .onStream(
                        "GET /v1/events",
                        event(
                                2,
                                "AdapterFailed",
                                1,
                                "\"code\":\"zero_update\",\"message\":\"B is zero\",\"module\":\"m.q\""));

        int status = shown.run(server.environment(), "push", adapter("sql").toString());

        assertThat(status).isEqualTo(ExitStatus.REFUSED);
        assertThat(shown.err()).contains("FAILED  zero_update: B is zero  m.q");
    }

    @Test
    void events_of_other_versions_do_not_end_the_waiting() throws IOException {
        server.on(VERSIONS, 201, version(2, "UPLOADED"))
                .onStream(
                        "GET /v1/events",
                        event(1, "AdapterFailed", 1, "\"code\":\"zero_update\"")
                                + event(2, "AdapterReady", 2, "\"moduleCount\":3"));

        assertThat(shown.run(server.environment(), "push", adapter("sql").toString()))
                .isZero();
    }

    @Test
    void a_stream_that_is_cut_off_is_resumed_after_the_last_event() throws IOException {
        server.on(VERSIONS, 201, version(1, "UPLOADED"))
                .onStream("GET /v1/events", event(41, "AdapterComputing", 1, "\"worker\":\"w\""))
                .onStream("GET /v1/events", event(42, "AdapterReady", 1, "\"moduleCount\":3"));

        assertThat(shown.run(server.environment(), "push", adapter("sql").toString()))
                .isZero();

        assertThat(server.received.get(1).header("Last-event-id")).isEqualTo("0");
        assertThat(server.received.get(2).header("Last-event-id")).isEqualTo("41");
        assertThat(server.received.get(2).line()).contains("after=41");
    }

    @Test
    void without_waiting_no_event_is_asked_for() throws IOException {
        server.on(VERSIONS, 201, version(1, "UPLOADED"));

        assertThat(shown.run(server.environment(), "push", adapter("sql").toString(), "--no-wait"))
                .isZero();

        assertThat(server.received).hasSize(1);
    }

    @Test
    void content_that_is_ready_already_needs_no_waiting() throws IOException {
        server.on(VERSIONS, 200, version(1, "READY"));

        assertThat(shown.run(server.environment(), "push", adapter("sql").toString()))
                .isZero();

        assertThat(shown.out()).contains("already had this content");
        assertThat(server.received).hasSize(1);
    }

    @Test
    void several_folders_are_uploaded_and_one_refusal_does_not_stop_the_others() throws IOException {
        server.on(VERSIONS, 422, "{\"code\":\"adapter_invalid\",\"detail\":\"bad\"}")
                .on("POST /v1/adapters/default/poems/versions", 200, version("default/poems", 1, "READY"));

        int status = shown.run(
                server.environment(),
                "push",
                adapter("sql").toString(),
                adapter("poems").toString());

        assertThat(status).isEqualTo(ExitStatus.REFUSED);
        assertThat(shown.out()).contains("default/poems:1  READY");
    }

    @Test
    void a_folder_that_is_no_adapter_is_a_usage_error_and_nothing_is_sent() throws IOException {
        Path empty = Files.createDirectory(folder.resolve("empty"));
        Path pickled = Files.createDirectory(folder.resolve("pickled"));
        Files.writeString(pickled.resolve("adapter_config.json"), "{}");
        Files.writeString(pickled.resolve("adapter_model.bin"), "");

        assertThat(shown.run(server.environment(), "push", empty.toString())).isEqualTo(ExitStatus.USAGE);
        assertThat(shown.run(server.environment(), "push", pickled.toString())).isEqualTo(ExitStatus.USAGE);
        assertThat(shown.run(server.environment(), "push", "no/such/folder")).isEqualTo(ExitStatus.USAGE);
        assertThat(shown.run(server.environment(), "push", "--name", "a/b", empty.toString(), empty.toString()))
                .isEqualTo(ExitStatus.USAGE);

        assertThat(shown.err())
                .contains("no adapter_config.json")
                .contains("safe_serialization=True")
                .contains("there is no folder no/such/folder");
        assertThat(server.received).isEmpty();
    }

    @Test
    void a_registry_that_is_not_there_is_named_with_what_to_do() throws IOException {
        server.close();

        int status = shown.run(
                Map.of("QUIVER_REGISTRY", server.url()), "push", adapter("sql").toString());

        assertThat(status).isEqualTo(ExitStatus.UNREACHABLE);
        assertThat(shown.err()).contains("no registry at " + server.url() + ": start one with ./quiver up");
    }

    private Path adapter(String name) throws IOException {
        Path adapter = Files.createDirectory(folder.resolve(name));
        Files.writeString(adapter.resolve("adapter_config.json"), "{\"r\":4}");
        Files.writeString(adapter.resolve("adapter_model.safetensors"), "weights");
        return adapter;
    }

    private static String version(int version, String state) {
        return version("default/sql", version, state);
    }

    private static String version(String adapter, int version, String state) {
        return """
                {"adapter":"%s","version":%d,"state":"%s","digest":"%s","base":{"name":"tiny","digest":"%s"}}""".formatted(adapter, version, state, DIGEST, DIGEST);
    }

    private static String event(int id, String type, int version, String data) {
        return """
                id: %d
                event: %s
                data: {"id":%d,"time":"2026-11-22T10:00:00Z","type":"%s","subject":"default/sql/versions/%d","data":{"adapter":"default/sql","version":%d,%s}}

                """.formatted(id, type, id, type, version, version, data);
    }
}
