package io.quiver.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** The routability report in the terminal: asked for, and after a push. */
class ReportTest {
    private static final String ROUTE = "GET /v1/routability";
    private static final String VERSIONS = "POST /v1/adapters/team/sql/versions";
    private static final String VERSION = "GET /v1/adapters/team/sql/versions/3";
    private static final String BASE = "GET /v1/base-models/tiny";
    private static final String READY = """
            {"adapter":"team/sql","version":3,"state":"READY","base":{"name":"tiny"},"evidence":[%s]}""";
    private static final String NOT_CALIBRATED = """
            {"error":{"code":"not_calibrated","message":"base model tiny has no calibration","param":"strategy"}}""";

    private final ContractServer server = new ContractServer();
    private final Shown shown = Shown.inAPipe();

    @TempDir
    Path folder;

    @AfterEach
    void stop() {
        server.close();
    }

    private static String expert(String name, String verdict, int read, int chosen, int taken) {
        return """
                {"name":"%s","version":3,"verdict":"%s","examples":{"uploaded":8,"read":%d,"fires":%d,"chosen":%d,"base":%d,
                "stand_out":4.25,"margin":1.5},"others_examples":{"read":8,"taken":%d},
                "generic":{"largest":0.4,"passes":0.02,"nearest":"team/near","correlation":0.31}}""".formatted(name, verdict, read, chosen, chosen, read - chosen, taken);
    }

    private static String report(String experts, String chosen, String correlations) {
        return """
                {"object":"routability.report","base":{"name":"tiny"},"threshold":3.5,"generic_requests":96,"sharpened":false,
                "experts":[%s],"chosen":%s,"correlations":%s}""".formatted(experts, chosen, correlations);
    }

    private static String two() {
        return report(
                expert("team/sql", "routable", 8, 7, 0) + ","
                        + expert("team/near", "confusable", 8, 5, 1)
                                .replace("\"examples\"", "\"confused_with\":[\"team/dates\"],\"examples\""),
                "[[7,1,0],[0,5,3]]",
                "[[1,0.31],[0.31,1]]");
    }

    private int run(String... args) {
        return shown.run(server.environment(), args);
    }

    private List<String> lines() {
        return shown.out().lines().map(line -> line.replaceAll(" +", " ")).toList();
    }

    @Test
    void every_expert_has_its_figures_a_row_of_the_matrix_and_what_to_do() {
        server.on(ROUTE, 200, two());

        assertThat(run("report", "--library", "team/sql,team/near", "--examples", "8"))
                .isEqualTo(ExitStatus.REFUSED);

        assertThat(server.received.get(0).line())
                .isEqualTo(ROUTE + "?model=quiver&experts=team%2Fsql%2Cteam%2Fnear&examples=8");
        assertThat(lines())
                .contains("2 experts on tiny, threshold 3.50, 96 generic requests")
                .contains("1 team/sql:3 7/8 7/8 by 4.25 0/8 0.40 2 0.31 routable")
                .contains("2 team/near:3 5/8 5/8 by 4.25 1/8 0.40 2 0.31 confusable with team/dates")
                .contains("examples of, given to 1 2 base")
                .contains("1 team/sql 7 1 ·")
                .contains("2 team/near · 5 3")
                .anySatisfy(line -> assertThat(line).startsWith(" Four or more example prompts"));
        assertThat(shown.out()).doesNotContain("alike on generic requests");
    }

    @Test
    void a_library_without_findings_ends_with_0_and_shows_how_alike_those_without_examples_are() {
        server.on(
                ROUTE,
                200,
                report(
                        expert("team/sql", "too_little_known", 0, 0, 0) + ","
                                + expert("team/near", "routable", 8, 8, 0),
                        "[[0,0,0],[0,8,0]]",
                        "[[1,0.31],[0.31,1]]"));

        assertThat(run("report", "--library", "team=support")).isZero();

        assertThat(server.received.get(0).line()).isEqualTo(ROUTE + "?model=quiver&selector=team%3Dsupport");
        assertThat(lines())
                .contains("1 team/sql:3 – – 0/8 0.40 2 0.31 too little known")
                .contains("alike on generic requests 1 2")
                .contains("1 team/sql · 0.31")
                .anySatisfy(line -> assertThat(line).startsWith(" Push it again with examples.jsonl"));
    }

    @Test
    void one_content_under_two_names_is_something_to_do() {
        String twin = expert("team/sql", "routable", 8, 8, 0)
                .replace("\"examples\"", "\"same_content\":[\"team/twin\"],\"examples\"");
        server.on(ROUTE, 200, report(twin, "[[8,0]]", "[[1]]"));

        assertThat(run("report")).isEqualTo(ExitStatus.REFUSED);

        assertThat(shown.out()).contains("same content as team/twin").contains("keep one of the names");
    }

    @Test
    void warm_cells_are_painted_on_a_terminal() {
        server.on(ROUTE, 200, two());
        Shown terminal = Shown.onATerminal();

        terminal.run(server.environment(), "report");

        assertThat(terminal.out())
                .contains("\u001b[48;5;227;38;5;16m   7\u001b[0m")
                .contains("\u001b[48;5;53;38;5;255m   1\u001b[0m");
    }

    @Test
    void for_programs_the_answer_is_given_as_it_is() {
        server.on(ROUTE, 200, two());

        assertThat(run("report", "--json")).isEqualTo(ExitStatus.REFUSED);

        assertThat(JsonMapper.shared().readTree(shown.out()))
                .isEqualTo(JsonMapper.shared().readTree(two()));
    }

    @Test
    void a_library_that_is_not_calibrated_is_told_what_to_do() {
        server.on(ROUTE, 400, NOT_CALIBRATED);

        assertThat(run("report")).isEqualTo(ExitStatus.REFUSED);

        assertThat(shown.err())
                .contains("no report (not_calibrated): base model tiny has no calibration")
                .contains("quiver base calibrate NAME");
    }

    @Test
    void a_push_shows_the_verdict_once_the_router_has_heard_of_the_version() throws Exception {
        push().on(VERSION, 200, READY.formatted("")).on(VERSION, 200, READY.formatted("{\"exampleCount\":8}"));
        server.on(BASE, 200, "{\"name\":\"tiny\",\"calibration\":{\"state\":\"CALIBRATED\",\"calibrated\":{}}}")
                .on(ROUTE, 400, NOT_CALIBRATED)
                .on(ROUTE, 200, report(expert("team/near", "routable", 8, 8, 0), "[[8,0]]", "[[1]]"))
                .on(ROUTE, 200, two());
        List<Long> pauses = new ArrayList<>();

        assertThat(pushed(pauses)).isZero();

        assertThat(shown.out())
                .contains(
                        "team/sql:3  routable  chosen for 7 of its 8 examples, the base for 1, stands out on 7; takes 0 of 8")
                .doesNotContain("team/near:3");
        assertThat(pauses).hasSize(3);
        assertThat(server.received.get(server.received.size() - 1).line())
                .isEqualTo(ROUTE + "?model=tiny&all=true&examples=8");
    }

    @Test
    void examples_that_are_pushed_to_a_version_which_is_ready_are_reported_on_once_they_count() throws Exception {
        push().on(VERSION, 200, READY.formatted("{\"exampleCount\":0}"))
                .on(VERSION, 200, READY.formatted("{\"exampleCount\":8}"));
        server.on(VERSIONS, received -> ContractServer.Answer.json(200, READY.formatted("{}")))
                .on(BASE, 200, "{\"name\":\"tiny\",\"calibration\":{\"state\":\"CALIBRATED\",\"calibrated\":{}}}")
                .on(ROUTE, 200, two().replaceFirst("\"uploaded\":8", "\"uploaded\":4"))
                .on(ROUTE, 200, two());
        List<Long> pauses = new ArrayList<>();

        assertThat(pushed(pauses)).isZero();

        assertThat(shown.out()).contains("already had this content").contains("team/sql:3  routable");
        assertThat(pauses).hasSize(2);
    }

    @Test
    void a_push_never_fails_for_want_of_a_report() throws Exception {
        push().on(VERSION, 200, READY.formatted("")).on(BASE, 200, """
                        {"name":"tiny","calibration":{"state":"CALIBRATING","progress":{"stage":"requests","done":40,"total":320}}}""");
        assertThat(pushed(new ArrayList<>())).isZero();
        assertThat(shown.out())
                .contains(
                        "no routability report on team/sql:3: base model tiny is not calibrated yet (CALIBRATING requests 40/320); quiver report shows it later");
    }

    @Test
    void a_push_whose_router_refuses_or_does_not_answer_is_done_all_the_same() throws Exception {
        push().on(VERSION, 200, READY.formatted("{\"exampleCount\":8}"))
                .on(ROUTE, 400, "{\"error\":{\"code\":\"too_many_experts\",\"message\":\"300 experts\"}}");
        assertThat(pushed(new ArrayList<>())).isZero();
        assertThat(shown.out()).contains("no routability report: 300 experts");

        server.on(ROUTE, 200, "no json");
        assertThat(run("push", folder.resolve("sql").toString(), "--name", "team/sql", "--no-report"))
                .isZero();
        assertThat(shown.out().split("no routability report", -1)).hasSize(2);
    }

    private ContractServer push() throws IOException {
        Path adapter = Files.createDirectory(folder.resolve("sql"));
        Files.writeString(adapter.resolve("adapter_config.json"), "{}");
        Files.writeString(adapter.resolve("adapter_model.safetensors"), "weights");
        Files.writeString(
                adapter.resolve("examples.jsonl"),
                IntStream.range(0, 8)
                        .mapToObj("{\"prompt\": \"%d\"}\n"::formatted)
                        .collect(Collectors.joining()));
        return server.on(VERSIONS, 201, READY.formatted("").replace("READY", "UPLOADED"))
                .onStream("GET /v1/events", """
                        id: 1
                        event: AdapterReady
                        data: {"id":1,"type":"AdapterReady","subject":"team/sql/versions/3","data":{"adapter":"team/sql","version":3}}

                        """);
    }

    /** Without any time passing. */
    private int pushed(List<Long> pauses) {
        return QuiverCommand.commandLine(
                        shown.surroundings(server.environment()), duration -> pauses.add(duration.toMillis()))
                .execute("push", folder.resolve("sql").toString(), "--name", "team/sql");
    }
}
