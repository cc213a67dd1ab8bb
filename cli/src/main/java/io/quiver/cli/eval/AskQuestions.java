package io.quiver.cli.eval;

import io.quiver.client.RetryWhenAsked;
import io.quiver.client.RouterClient;
import io.quiver.client.ServerException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Asks a router all questions under one strategy after the other, several questions at a time. What the router refuses for the
 * moment is asked again when it says so; anything else that goes wrong ends the evaluation.
 */
public final class AskQuestions {
    private final RouterClient router;
    private final String model;
    private final Library library;
    private final Map<String, String> rights;
    private final int concurrency;
    private final RetryWhenAsked retry;
    private final LongSupplier nanoTime;

    /**
     * Questions to a library.
     *
     * @param rights the reference of the right adapter, by skill
     * @param concurrency questions on their way at a time, at least one
     * @param nanoTime a clock in nanoseconds that never goes back
     */
    public AskQuestions(
            RouterClient router,
            String model,
            Library library,
            Map<String, String> rights,
            int concurrency,
            RetryWhenAsked retry,
            LongSupplier nanoTime) {
        this.router = router;
        this.model = model;
        this.library = library;
        this.rights = Map.copyOf(rights);
        this.concurrency = concurrency;
        this.retry = retry;
        this.nanoTime = nanoTime;
    }

    /** Asks for one token, so that what a strategy lacks is known, and what it needs is loaded, before anything is timed. */
    public void tryOut(EvaluatedStrategy strategy, Question question) throws InterruptedException {
        retry.call(() -> router.chat(request(strategy, question, 1)));
    }

    /** @param answered hears every answer as it comes, from several threads */
    public StrategyResult ask(EvaluatedStrategy strategy, List<Question> questions, Consumer<Answered> answered)
            throws InterruptedException {
        long beganNanos = nanoTime.getAsLong();
        ExecutorService threads = Executors.newFixedThreadPool(Math.min(concurrency, questions.size()));
        try {
            List<Future<Answered>> pending = new ArrayList<>();
            for (Question question : questions) {
                pending.add(threads.submit(() -> {
                    Answered answer = ask(strategy, question);
                    answered.accept(answer);
                    return answer;
                }));
            }
            List<Answered> answers = new ArrayList<>();
            for (Future<Answered> answer : pending) {
                answers.add(answer.get());
            }
            return new StrategyResult(strategy, answers, Duration.ofNanos(nanoTime.getAsLong() - beganNanos));
        } catch (ExecutionException e) {
            if (e.getCause() instanceof ServerException refused) {
                throw refused;
            }
            throw new IllegalStateException("a question failed", e.getCause());
        } finally {
            threads.shutdownNow();
        }
    }

    private Answered ask(EvaluatedStrategy strategy, Question question) throws InterruptedException {
        ObjectNode request = request(strategy, question, question.tokensMax());
        long[] beganNanos =
                new long[1]; // Of the attempt that is answered: waiting in front of a full router is not its time.
        JsonNode completion = retry.call(() -> {
            beganNanos[0] = nanoTime.getAsLong();
            return router.chat(request);
        });
        return Answered.of(question, completion, (nanoTime.getAsLong() - beganNanos[0]) / 1_000_000);
    }

    private ObjectNode request(EvaluatedStrategy strategy, Question question, int tokensMax) {
        ObjectNode request = JsonMapper.shared()
                .createObjectNode()
                .put("model", model)
                .put("temperature", 0)
                .put("max_tokens", tokensMax);
        request.putArray("messages").addObject().put("role", "user").put("content", question.prompt());
        request.set(
                "routing", strategy.routing(library.references(), Optional.ofNullable(rights.get(question.skill()))));
        return request;
    }
}
