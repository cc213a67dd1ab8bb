package io.quiver.cli;

import io.quiver.cli.eval.AskQuestions;
import io.quiver.cli.eval.EvaluatedStrategy;
import io.quiver.cli.eval.Evaluation;
import io.quiver.cli.eval.EvaluationTables;
import io.quiver.cli.eval.Library;
import io.quiver.cli.eval.Question;
import io.quiver.cli.eval.ReadQuestions;
import io.quiver.cli.eval.StrategyResult;
import io.quiver.client.Pause;
import io.quiver.client.RetryWhenAsked;
import io.quiver.client.RouterClient;
import io.quiver.standalone.Standalone;
import io.quiver.terminal.Terminal.Style;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/** Measures strategies on the first bundled questions of each skill: what {@code quiver eval} does with all of them, in seconds. */
final class MeasureBundled implements Standalone.Measurement {
    private static final List<String> STRATEGIES = List.of("base", "uniform", "arrow:top_k=1", "evidence", "oracle");
    private static final int PER_SKILL = 6;
    private static final int CONCURRENCY = 8;
    private static final int ATTEMPTS_MAX = 100;

    private final Path questions;
    private final Surroundings surroundings;

    /** @param questions the file of the bundled questions */
    MeasureBundled(Path questions, Surroundings surroundings) {
        this.questions = questions;
        this.surroundings = surroundings;
    }

    @Override
    public void run(RouterClient router) throws InterruptedException {
        List<Question> asked = ReadQuestions.firstOfEach(all(), PER_SKILL);
        Library library = Library.resolve(
                router, Ask.ALL_EXPERTS, JsonMapper.shared().createObjectNode().put("all", true));
        Map<String, String> rights = library.matched(asked, Map.of());
        AskQuestions ask = new AskQuestions(
                router,
                Ask.ALL_EXPERTS,
                library,
                rights,
                CONCURRENCY,
                new RetryWhenAsked(ATTEMPTS_MAX, Pause.REAL, surroundings.nanoTime()),
                surroundings.nanoTime());
        surroundings
                .terminal()
                .out()
                .println(surroundings
                        .terminal()
                        .paint(
                                Style.BOLD,
                                "Measuring strategies on " + asked.size()
                                        + " questions; with all of them: quiver eval quickstart/questions.json --strategies "
                                        + String.join(",", STRATEGIES)));
        List<StrategyResult> results = new ArrayList<>();
        for (String label : STRATEGIES) {
            EvaluatedStrategy strategy = EvaluatedStrategy.parse(label);
            surroundings.terminal().progress("asking " + label);
            ask.tryOut(strategy, asked.get(0));
            results.add(ask.ask(strategy, asked, answered -> {}));
        }
        surroundings.terminal().progress("");
        new EvaluationTables(surroundings.terminal(), new Evaluation(library, rights, results)).printExactMatches();
    }

    private List<Question> all() {
        try {
            return ReadQuestions.read(questions);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + questions + ": " + e.getMessage(), e);
        }
    }
}
