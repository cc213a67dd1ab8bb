package io.quiver.router.web;

import io.quiver.router.Complete;
import io.quiver.router.CompletionEvent;
import io.quiver.router.CompletionEvent.Failed;
import io.quiver.router.CompletionEvent.Finished;
import io.quiver.router.CompletionEvent.Generated;
import io.quiver.router.Prompt;
import io.quiver.router.RefusalCode;
import io.quiver.router.RequestRefusedException;
import io.quiver.router.RunningCompletion;
import io.quiver.router.TokenTrace;
import io.quiver.router.TraceDetail;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.node.ObjectNode;

/** {@code POST /v1/completions} and {@code POST /v1/chat/completions}, whole or as a stream. */
@RestController
public final class CompletionRoutes {
    private static final long ALIVE_MILLIS = 2000;

    private final Complete complete;
    private final CompletionSettings settings;
    private final Clock clock;
    private final Supplier<String> ids;

    public CompletionRoutes(Complete complete, CompletionSettings settings, Clock clock, Supplier<String> ids) {
        this.complete = complete;
        this.settings = settings;
        this.clock = clock;
        this.ids = ids;
    }

    @PostMapping("/v1/completions")
    void text(HttpServletRequest request, HttpServletResponse response) throws IOException, InterruptedException {
        CompletionRequest wanted = CompletionRequest.text(Json.read(request, settings.bodyBytesMax()));
        answer(wanted, json("cmpl-", wanted, false), response);
    }

    @PostMapping("/v1/chat/completions")
    void chat(HttpServletRequest request, HttpServletResponse response) throws IOException, InterruptedException {
        CompletionRequest wanted = CompletionRequest.chat(Json.read(request, settings.bodyBytesMax()));
        answer(wanted, json("chatcmpl-", wanted, true), response);
    }

    private CompletionJson json(String prefix, CompletionRequest wanted, boolean chat) {
        return new CompletionJson(
                prefix + ids.get(),
                clock.instant().getEpochSecond(),
                wanted.order().model(),
                chat);
    }

    private void answer(CompletionRequest wanted, CompletionJson json, HttpServletResponse response)
            throws IOException, InterruptedException {
        if (wanted.order().routing().trace() != TraceDetail.NONE
                && prompts(wanted.order().prompt()) > 1) {
            throw new RequestRefusedException(
                    RefusalCode.UNSUPPORTED_PARAMETER,
                    "a trace works for one prompt, not for several",
                    "routing.trace");
        }
        // Unbounded, so that a slow client never holds up the decode thread; the context bounds what can come.
        BlockingQueue<CompletionEvent> events = new LinkedBlockingQueue<>();
        RunningCompletion running = complete.begin(wanted.order(), events::add);
        try {
            if (wanted.stream()) {
                stream(wanted, json, running, events, new EventStream(response));
            } else {
                whole(json, running, events, response);
            }
        } finally {
            // Does nothing to what is complete; after a failure or a client's leaving it frees memory at the next step.
            running.cancel();
        }
    }

    private static int prompts(Prompt prompt) {
        if (prompt instanceof Prompt.Texts texts) {
            return texts.texts().size();
        }
        return prompt instanceof Prompt.Tokens tokens ? tokens.texts().size() : 1;
    }

    private void whole(
            CompletionJson json,
            RunningCompletion running,
            BlockingQueue<CompletionEvent> events,
            HttpServletResponse response)
            throws IOException, InterruptedException {
        Gathered gathered = new Gathered(running.texts().size());
        long deadlineNanos = System.nanoTime() + settings.answerWaitMax().toNanos();
        while (!gathered.isComplete()) {
            CompletionEvent event = events.poll(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (event instanceof Failed failed) {
                throw failed.cause();
            }
            gathered.add(requireInTime(event));
        }
        ObjectNode routing = new RoutingJson(running.plan()).whole(gathered.ends(), gathered.tokens());
        byte[] body = Json.write(json.whole(gathered.texts(), gathered.ends(), routing));
        response.setContentType(MediaType.APPLICATION_JSON_VALUE);
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }

    private static CompletionEvent requireInTime(@Nullable CompletionEvent event) {
        if (event == null) {
            throw new RequestRefusedException(RefusalCode.TIMED_OUT, "the answer took too long", null);
        }
        return event;
    }

    private void stream(
            CompletionRequest wanted,
            CompletionJson json,
            RunningCompletion running,
            BlockingQueue<CompletionEvent> events,
            EventStream out)
            throws IOException, InterruptedException {
        RoutingJson routing = new RoutingJson(running.plan());
        Gathered gathered = new Gathered(running.texts().size());
        for (int choice = 0; choice < running.texts().size(); choice++) {
            ObjectNode first = json.first(choice);
            first.set("routing", routing.head());
            out.send(first);
        }
        long deadlineNanos = System.nanoTime() + settings.answerWaitMax().toNanos();
        while (!gathered.isComplete()) {
            CompletionEvent event = events.poll(ALIVE_MILLIS, TimeUnit.MILLISECONDS);
            if (event == null && System.nanoTime() < deadlineNanos) {
                out.alive();
                continue;
            }
            if (event == null || event instanceof Failed) {
                // The status is long sent: an error can only be data, and the stream ends without [DONE].
                out.send(Errors.envelope(Errors.told(
                        event instanceof Failed failed
                                ? failed.cause()
                                : new RequestRefusedException(
                                        RefusalCode.TIMED_OUT, "the answer took too long", null))));
                return;
            }
            gathered.add(event);
            send(json, routing, gathered, event, out);
        }
        if (wanted.includeUsage()) {
            out.send(json.usageChunk(gathered.ends()));
        }
        out.done();
    }

    private static void send(
            CompletionJson json, RoutingJson routing, Gathered gathered, CompletionEvent event, EventStream out)
            throws IOException {
        if (event instanceof Generated generated) {
            TokenTrace trace = generated.trace();
            if (!generated.text().isEmpty() || trace != null) {
                ObjectNode chunk = json.chunk(generated.choice(), generated.text());
                if (trace != null) {
                    chunk.set("routing", routing.of(trace));
                }
                out.send(chunk);
            }
        } else if (event instanceof Finished finished) {
            ObjectNode chunk = json.last(finished);
            if (gathered.isComplete()) {
                chunk.set("routing", routing.whole(gathered.ends(), gathered.tokens()));
            }
            out.send(chunk);
        }
    }

    /** What has come of all choices so far. */
    private static final class Gathered {
        private final List<StringBuilder> texts = new ArrayList<>();
        private final List<@Nullable Finished> ends = new ArrayList<>();
        private final List<TokenTrace> tokens = new ArrayList<>();

        Gathered(int choices) {
            for (int choice = 0; choice < choices; choice++) {
                texts.add(new StringBuilder());
                ends.add(null);
            }
        }

        void add(CompletionEvent event) {
            if (event instanceof Generated generated) {
                texts.get(generated.choice()).append(generated.text());
                if (generated.trace() != null) {
                    tokens.add(generated.trace());
                }
            } else if (event instanceof Finished finished) {
                texts.get(finished.choice()).append(finished.text());
                ends.set(finished.choice(), finished);
            }
        }

        boolean isComplete() {
            return !ends.contains(null);
        }

        List<String> texts() {
            return texts.stream().map(StringBuilder::toString).toList();
        }

        /** The ends of all choices, in their order; of those that have ended. */
        List<Finished> ends() {
            List<Finished> complete = new ArrayList<>();
            for (Finished end : ends) {
                if (end != null) {
                    complete.add(end);
                }
            }
            return complete;
        }

        List<TokenTrace> tokens() {
            return tokens;
        }
    }
}
