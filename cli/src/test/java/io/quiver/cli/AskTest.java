package io.quiver.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class AskTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String CHAT = "POST /v1/chat/completions";
    private static final String ROUTING = """
            "routing":{"strategy":"arrow","combine":"outputs","top_k":2,"temperature":1.0,"library_digest":"sha256:00",
             "experts":[{"name":"ns/a","version":1,"share":0.75},{"name":"ns/b","version":2,"share":0.25}],
             "trace":{"tokens":[{"token":5,"text":"Se","expert":"ns/a","shares":[0.9,0.1]},
                                {"token":6,"text":"ven","expert":"ns/b","shares":[0.4,0.6]}]}}""".replace("\n", " ");

    private final ContractServer server = new ContractServer();

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void in_a_pipe_only_the_answer_goes_to_the_output_and_the_shares_go_aside() {
        server.onStream(CHAT, stream("Se", "ven", ROUTING));
        Shown shown = Shown.inAPipe();

        assertThat(shown.run(server.environment(), "ask", "What is", "3 + 4?")).isZero();

        assertThat(shown.out()).isEqualTo("Seven\n");
        assertThat(shown.err()).contains("ns/a:1").contains("75.0 %").contains("arrow, outputs, top_k 2");
    }

    @Test
    void on_a_terminal_each_token_has_the_colour_of_its_expert() {
        server.onStream(CHAT, stream("Se", "ven", ROUTING));
        Shown shown = Shown.onATerminal();

        assertThat(shown.run(server.environment(), "ask", "x")).isZero();

        assertThat(shown.out())
                .contains("\u001b[38;5;39mSe\u001b[0m\u001b[38;5;208mven\u001b[0m")
                .contains("\u001b[38;5;39m■ ns/a:1\u001b[0m");
    }

    @Test
    void without_colours_wanted_there_is_no_escape_sequence() {
        server.onStream(CHAT, stream("Se", "ven", ROUTING));
        Shown shown = new Shown(true, false);

        assertThat(shown.run(server.environment(), "ask", "x", "--trace")).isZero();

        assertThat(shown.out()).doesNotContain("\u001b").contains("'ven'").contains("40.0  60.0  ns/b:2");
    }

    @Test
    void what_a_model_makes_up_cannot_steer_the_terminal() {
        server.onStream(CHAT, stream("a\\u001b[2Jb", "c", ROUTING));
        Shown shown = new Shown(true, false);

        assertThat(shown.run(server.environment(), "ask", "x")).isZero();

        assertThat(shown.out()).contains("a\uFFFD[2Jbc").doesNotContain("\u001b");
    }

    @Test
    void everything_asked_for_is_in_the_request() {
        server.onStream(CHAT, stream("x", "y", ROUTING));

        int status = Shown.inAPipe()
                .run(
                        server.environment(),
                        "ask",
                        "hi",
                        "--model",
                        "tiny",
                        "--library",
                        "ns/a,ns/b:2",
                        "--strategy",
                        "arrow",
                        "--top-k",
                        "2",
                        "--temperature",
                        "0.5",
                        "--max-tokens",
                        "7",
                        "--seed",
                        "3",
                        "--system",
                        "Be brief.");

        assertThat(status).isZero();
        JsonNode request = JSON.readTree(server.received.get(0).body());
        assertThat(request).isEqualTo(JSON.readTree("""
                                {"model":"tiny","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}],
                                 "max_tokens":7,"temperature":0.0,"seed":3,"stream":true,
                                 "routing":{"experts":["ns/a","ns/b:2"],"strategy":"arrow","top_k":2,"temperature":0.5,"trace":"tokens"}}"""));
    }

    @Test
    void a_library_is_all_or_a_selector_or_a_list() {
        assertThat(library("all")).isEqualTo("{\"all\":true}");
        assertThat(library("skill=sql,lang=en")).isEqualTo("{\"selector\":\"skill=sql,lang=en\"}");
        assertThat(library("ns/a, ns/b@champion")).isEqualTo("{\"experts\":[\"ns/a\",\"ns/b@champion\"]}");
    }

    @Test
    void an_unknown_model_is_refused_in_the_router_s_words() {
        server.on(
                CHAT,
                404,
                "{\"error\":{\"message\":\"no adapter ns/zzz\",\"code\":\"model_not_found\",\"param\":\"routing.experts\"}}");
        Shown shown = Shown.inAPipe();

        int status = shown.run(server.environment(), "ask", "x", "--model", "tiny", "--library", "ns/zzz");

        assertThat(status).isEqualTo(ExitStatus.REFUSED);
        assertThat(shown.err()).contains("(model_not_found): no adapter ns/zzz (routing.experts)");
    }

    @Test
    void an_answer_that_is_cut_off_is_no_success() {
        server.onStream(CHAT, "data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n");
        Shown shown = Shown.inAPipe();

        assertThat(shown.run(server.environment(), "ask", "x")).isEqualTo(ExitStatus.REFUSED);
        assertThat(shown.err()).contains("cut off");
    }

    @Test
    void an_address_that_is_none_is_a_usage_error() {
        Shown shown = Shown.inAPipe();

        assertThat(shown.run(server.environment(), "ask", "x", "--router", "localhost:7071"))
                .isEqualTo(ExitStatus.USAGE);
        assertThat(shown.err()).contains("'localhost:7071' is no address of a service");
    }

    private static String library(String text) {
        var routing = JSON.createObjectNode();
        Ask.addLibrary(routing, text);
        return JSON.writeValueAsString(routing);
    }

    /** As the router streams: experts first, each token with its trace, everything at the end. */
    private static String stream(String first, String second, String routing) {
        return "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}],"
                + "\"routing\":{\"strategy\":\"arrow\",\"experts\":[{\"name\":\"ns/a\",\"version\":1},{\"name\":\"ns/b\",\"version\":2}]}}\n\n"
                + token(first, "ns/a") + ": \n\n" + token(second, "ns/b")
                + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]," + routing + "}\n\n"
                + "data: [DONE]\n\n";
    }

    private static String token(String text, String expert) {
        return """
                data: {"choices":[{"delta":{"content":"%s"},"finish_reason":null}],"routing":{"trace":{"tokens":[{"token":5,"text":"%s","expert":"%s","shares":[0.5,0.5]}]}}}

                """.formatted(text, text, expert);
    }
}
