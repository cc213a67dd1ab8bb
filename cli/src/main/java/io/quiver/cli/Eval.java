package io.quiver.cli;

import io.quiver.cli.eval.AnswerLog;
import io.quiver.cli.eval.Answered;
import io.quiver.cli.eval.AskQuestions;
import io.quiver.cli.eval.EvaluatedStrategy;
import io.quiver.cli.eval.Evaluation;
import io.quiver.cli.eval.EvaluationJson;
import io.quiver.cli.eval.EvaluationTables;
import io.quiver.cli.eval.Library;
import io.quiver.cli.eval.Question;
import io.quiver.cli.eval.ReadQuestions;
import io.quiver.cli.eval.StrategyResult;
import io.quiver.cli.eval.UnusableQuestionsException;
import io.quiver.client.Pause;
import io.quiver.client.RefusedException;
import io.quiver.client.RetryWhenAsked;
import io.quiver.client.RouterClient;
import io.quiver.client.ServerException;
import io.quiver.terminal.ProgressBar;
import io.quiver.terminal.Quantities;
import io.quiver.terminal.Terminal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Measures strategies on questions with known answers. */
@Command(
        name = "eval",
        description = {
            "Ask the router questions with known answers under several strategies, and compare.",
            "Questions are a JSON array of {\"skill\", \"prompt\", \"answer\", \"wording\"}. The right adapter of a skill is the one of"
                    + " that name or with the label skill=…; without a skill no adapter should answer. Right is what equals the"
                    + " answer letter by letter, decoded greedily."
        },
        footer = {
            "",
            "Strategies: oracle names the right adapter, base asks the base alone, any other is the router's own and chooses",
            "among the whole library. Settings follow after colons.",
            "",
            "Examples:",
            "  quiver eval questions.json",
            "  quiver eval questions.json --library team/sql,team/dates --strategies oracle,arrow:top_k=1,spectr,base",
            "  quiver eval questions.json --per-skill 8 --json result.json"
        })
final class Eval implements Callable<Integer> {
    private static final int CONCURRENCY_MAX = 64;
    private static final int ATTEMPTS_MAX = 100;

    @Mixin
    private Servers servers = new Servers();

    @Mixin
    private LibraryOptions experts = new LibraryOptions();

    @Parameters(arity = "1", paramLabel = "QUESTIONS.json", description = "the questions")
    private Path questionsFile = Path.of("");

    @Option(
            names = "--strategies",
            paramLabel = "S,S",
            split = ",",
            description = "what to compare; default oracle,evidence,arrow,spectr,uniform,base")
    private List<String> strategies = List.of("oracle", "evidence", "arrow", "spectr", "uniform", "base");

    @Option(
            names = "--adapter",
            paramLabel = "SKILL=NS/NAME",
            description = "the right adapter of a skill that has another name; may be repeated")
    private Map<String, String> adapters = new LinkedHashMap<>();

    @Option(names = "--per-skill", paramLabel = "N", description = "only the first N questions of each skill")
    private @Nullable Integer perSkill;

    @Option(names = "--concurrency", paramLabel = "N", description = "questions at a time, 1 to 64; default 8")
    private int concurrency = 8;

    @Option(names = "--json", paramLabel = "FILE", description = "write everything there, each answer too")
    private @Nullable Path json;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "write each answer there as it comes; the same command goes on from there if it breaks off")
    private @Nullable Path out;

    private final Surroundings surroundings;
    private final Pause pause;

    Eval(Surroundings surroundings, Pause pause) {
        this.surroundings = surroundings;
        this.pause = pause;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Instant began = surroundings.clock().instant();
        requireUsable();
        List<EvaluatedStrategy> evaluated;
        List<Question> questions;
        RouterClient router = servers.router(surroundings.environment());
        Library members;
        Map<String, String> rights;
        try {
            evaluated = strategies.stream().map(EvaluatedStrategy::parse).toList();
            questions = ReadQuestions.read(questionsFile);
            questions = perSkill == null ? questions : ReadQuestions.firstOfEach(questions, perSkill);
            ObjectNode selection = JsonMapper.shared().createObjectNode();
            Ask.addLibrary(selection, experts.library());
            members = Library.resolve(router, experts.model(), selection);
            rights = members.matched(questions, adapters);
        } catch (UnusableQuestionsException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
        RetryWhenAsked retry = new RetryWhenAsked(ATTEMPTS_MAX, pause, surroundings.nanoTime());
        AskQuestions ask =
                new AskQuestions(router, experts.model(), members, rights, concurrency, retry, surroundings.nanoTime());
        if (!tryOut(ask, evaluated, questions.get(0))) {
            return ExitStatus.REFUSED;
        }
        Terminal terminal = surroundings.terminal();
        terminal.out()
                .println(questions.size() + " questions, " + members.members().size() + " adapters on " + members.base()
                        + ", " + concurrency + " questions at a time");
        if (out != null) {
            terminal.aside().out().println("each answer goes to " + out + "; the same command goes on from there");
        }
        List<StrategyResult> results = new ArrayList<>();
        try (AnswerLog log = out == null ? null : open(out, members)) {
            for (EvaluatedStrategy strategy : evaluated) {
                results.add(ask(ask, strategy, questions, log));
            }
        } catch (ServerException e) {
            if (out != null) {
                terminal.err().println("what was answered stands in " + out + "; the same command goes on from there");
            }
            throw e;
        }
        Evaluation evaluation = new Evaluation(members, rights, results);
        terminal.out().println();
        new EvaluationTables(terminal, evaluation).print();
        if (json != null) {
            Files.writeString(
                    json,
                    EvaluationJson.of(evaluation, questionsFile.toString(), concurrency, began)
                                    .toPrettyString()
                            + "\n");
        }
        return ExitStatus.DONE;
    }

    private static AnswerLog open(Path file, Library members) throws IOException {
        try {
            return AnswerLog.open(file, members);
        } catch (UnusableQuestionsException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
    }

    private void requireUsable() {
        if (concurrency < 1 || concurrency > CONCURRENCY_MAX) {
            throw new UsageException("--concurrency is 1 to " + CONCURRENCY_MAX + ", not " + concurrency);
        }
        if (perSkill != null && perSkill < 1) {
            throw new UsageException("--per-skill is 1 or more, not " + perSkill);
        }
        requireFolder(json);
        requireFolder(out);
    }

    private static void requireFolder(@Nullable Path file) {
        Path folder = file == null ? null : file.toAbsolutePath().getParent();
        if (file != null && (folder == null || !Files.isDirectory(folder))) {
            throw new UsageException("there is no folder for " + file);
        }
    }

    /** Says of every strategy that the router refuses why, before an hour is spent on the others. */
    private boolean tryOut(AskQuestions ask, List<EvaluatedStrategy> evaluated, Question question)
            throws InterruptedException {
        boolean allWell = true;
        for (EvaluatedStrategy strategy : evaluated) {
            surroundings.terminal().progress("trying " + strategy.label());
            try {
                ask.tryOut(strategy, question);
            } catch (RefusedException e) {
                surroundings.terminal().progress("");
                Refusals.print(surroundings.terminal(), "strategy " + strategy.label(), e);
                NotCalibrated.hint(surroundings.terminal(), e);
                allWell = false;
            }
        }
        surroundings.terminal().progress("");
        return allWell;
    }

    /** @param log with the answers of earlier runs; null for none */
    private StrategyResult ask(
            AskQuestions ask, EvaluatedStrategy strategy, List<Question> questions, @Nullable AnswerLog log)
            throws InterruptedException {
        Map<Question, Answered> known = new HashMap<>();
        if (log != null) {
            questions.forEach(
                    question -> log.find(strategy, question).ifPresent(answer -> known.put(question, answer)));
        }
        List<Question> open = questions.stream()
                .filter(question -> !known.containsKey(question))
                .toList();
        if (!known.isEmpty()) {
            surroundings
                    .terminal()
                    .aside()
                    .out()
                    .println(strategy.label() + ": " + (questions.size() - open.size()) + " answers are from " + out
                            + "; its time is that of the rest");
        }
        Duration elapsed = Duration.ZERO;
        List<Answered> asked = List.of();
        if (!open.isEmpty()) {
            StrategyResult result = askOpen(ask, strategy, open, log);
            elapsed = result.elapsed();
            asked = result.answers();
        }
        Iterator<Answered> next = asked.iterator();
        return new StrategyResult(
                strategy,
                questions.stream()
                        .map(question -> known.containsKey(question) ? known.get(question) : next.next())
                        .toList(),
                elapsed);
    }

    private StrategyResult askOpen(
            AskQuestions ask, EvaluatedStrategy strategy, List<Question> questions, @Nullable AnswerLog log)
            throws InterruptedException {
        try (ProgressBar progress = new ProgressBar(
                surroundings.terminal().aside(),
                String.format("%-10s", strategy.label()),
                questions.size(),
                Quantities::count,
                surroundings.nanoTime())) {
            return ask.ask(strategy, questions, answer -> {
                if (log != null) {
                    log.add(strategy, answer);
                }
                progress.accept(1);
            });
        }
    }
}
