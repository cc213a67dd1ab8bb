package io.quiver.cli;

import io.quiver.cli.ContractServer.Answer;
import io.quiver.cli.ContractServer.Received;
import io.quiver.client.Pause;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A router with an adapter for SQL and one for dates, as an evaluation meets it, and what is asked of it and shown. */
final class TwoSkills implements AutoCloseable {
    static final JsonMapper JSON = JsonMapper.shared();
    static final String CHAT = "POST /v1/chat/completions";
    static final String EXPLAIN = "POST /v1/routing:explain";
    static final String QUESTIONS = """
            [{"skill":"sql","prompt":"all players","answer":"SELECT","wording":"trained"},
             {"skill":"sql","prompt":"all clubs","answer":"SELECT","wording":"new"},
             {"skill":"dates","prompt":"Ada, 10 May","answer":"05-10","wording":"new"},
             {"skill":null,"prompt":"Hello!"}]""";

    final ContractServer server = new ContractServer();
    final Shown shown = Shown.inAPipe();
    final List<Duration> pauses = Collections.synchronizedList(new ArrayList<>());
    private final AtomicLong elapsedNanos = new AtomicLong();
    private final Path folder;

    /** @param folder where the questions are written */
    TwoSkills(Path folder) {
        this.folder = folder;
        server.on(EXPLAIN, 200, """
                {"base":{"name":"tiny"},"variants":[{"routing":{"experts":[
                 {"name":"ns/sql","version":3},{"name":"ns/when","version":1}]}}]}""").on("GET /v1/experts", 200, """
                {"data":[{"name":"ns/sql","version":3,"labels":{}},{"name":"ns/when","version":1,"labels":{"skill":"dates"}}]}""").on(CHAT, TwoSkills::answer);
    }

    /** A router whose oracle is right, whose arrow takes the first adapter for everything, and whose base knows nothing. */
    static Answer answer(Received request) {
        JsonNode body = JSON.readTree(request.body());
        String prompt = body.path("messages").path(0).path("content").asString("");
        JsonNode routing = body.path("routing");
        String strategy = routing.path("strategy").asString("");
        boolean sql = prompt.startsWith("all");
        boolean right = strategy.equals("single") || (strategy.equals("arrow") && sql);
        String experts = switch (strategy) {
            case "single" ->
                "{\"name\":\"ns/%s\",\"version\":%d,\"share\":1.0}".formatted(sql ? "sql" : "when", sql ? 3 : 1);
            case "arrow" ->
                "{\"name\":\"ns/sql\",\"version\":3,\"share\":0.7},{\"name\":\"ns/when\",\"version\":1,\"share\":0.3}";
            case "uniform" ->
                "{\"name\":\"ns/sql\",\"version\":3,\"share\":0.5},{\"name\":\"ns/when\",\"version\":1,\"share\":0.5}";
            default -> "";
        };
        return Answer.json(
                200,
                "{\"choices\":[{\"message\":{\"content\":\"%s\"},\"finish_reason\":\"stop\"}],\"routing\":{\"strategy\":\"%s\",\"experts\":[%s]}}"
                        .formatted(right ? sql ? "SELECT" : "05-10" : "?", strategy, experts));
    }

    /** Runs {@code quiver eval} to its end, and returns its exit status. */
    int run(String questions, String... options) throws IOException {
        Path file = folder.resolve("questions.json");
        Files.writeString(file, questions);
        Pause pause = duration -> {
            pauses.add(duration);
            elapsedNanos.addAndGet(duration.toNanos());
        };
        Surroundings surroundings = shown.surroundings(server.environment());
        Surroundings still = new Surroundings(
                surroundings.terminal(),
                surroundings.environment(),
                surroundings.home(),
                surroundings.beganMillis(),
                surroundings.clock(),
                elapsedNanos::get);
        CommandLine line = QuiverCommand.commandLine(still, pause);
        return line.execute(Stream.concat(Stream.of("eval", file.toString()), Stream.of(options))
                .toArray(String[]::new));
    }

    /** The body of the request of that number to a route. */
    JsonNode sent(String route, int number) {
        return JSON.readTree(server.received.stream()
                .filter(received -> received.line().equals(route))
                .toList()
                .get(number)
                .body());
    }

    /** A strategy's exact matches and accuracy of choice in a result. */
    static String figures(JsonNode result, String strategy) {
        for (JsonNode json : result.path("strategies")) {
            if (json.path("strategy").asString("").equals(strategy)) {
                return json.path("exact") + " of " + json.path("questions") + ", choice "
                        + json.path("choice_accuracy").asString("-");
            }
        }
        throw new AssertionError(strategy + " is not there");
    }

    @Override
    public void close() {
        server.close();
    }
}
