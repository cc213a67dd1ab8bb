package io.quiver.router.web;

import io.quiver.router.Complete;
import io.quiver.router.CompletionEvent;
import io.quiver.router.CompletionEvent.Decided;
import io.quiver.router.CompletionEvent.Echoed;
import io.quiver.router.CompletionEvent.Failed;
import io.quiver.router.CompletionEvent.Finished;
import io.quiver.router.CompletionEvent.Generated;
import io.quiver.router.RefusalCode;
import io.quiver.router.RequestRefusedException;
import io.quiver.router.RunningCompletion;
import io.quiver.router.TokenLogprob;
import io.quiver.router.TokenTrace;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Clock;
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
    private final Complete complete;
    private final Clients clients;
    private final CompletionSettings settings;
    private final Clock clock;
    private final Supplier<String> ids;

    public CompletionRoutes(
            Complete complete, Clients clients, CompletionSettings settings, Clock clock, Supplier<String> ids) {
        this.complete = complete;
        this.clients = clients;
        this.settings = settings;
        this.clock = clock;
        this.ids = ids;
    }

    @PostMapping("/v1/completions")
    void text(HttpServletRequest request, HttpServletResponse response) throws IOException, InterruptedException {
        CompletionRequest wanted = CompletionRequest.text(Json.read(request, settings.bodyBytesMax()));
        answer(wanted, json("cmpl-", wanted, false), request, response);
    }

    @PostMapping("/v1/chat/completions")
    void chat(HttpServletRequest request, HttpServletResponse response) throws IOException, InterruptedException {
        CompletionRequest wanted = CompletionRequest.chat(Json.read(request, settings.bodyBytesMax()));
        answer(wanted, json("chatcmpl-", wanted, true), request, response);
    }

    private CompletionJson json(String prefix, CompletionRequest wanted, boolean chat) {
        return new CompletionJson(
                prefix + ids.get(),
                clock.instant().getEpochSecond(),
                wanted.order().model(),
                wanted,
                chat);
    }

    private void answer(
            CompletionRequest wanted, CompletionJson json, HttpServletRequest request, HttpServletResponse response)
            throws IOException, InterruptedException {
        // Unbounded, so that a slow client never holds up the decode thread; the context bounds what can come.
        BlockingQueue<CompletionEvent> events = new LinkedBlockingQueue<>();
        RunningCompletion running = complete.begin(wanted.order(), request.getRemoteAddr(), events::add);
        ClientWatch watch = new ClientWatch(clients, request);
        try {
            if (wanted.stream()) {
                stream(wanted, json, running, events, watch, new EventStream(response));
            } else {
                whole(wanted, json, running, events, watch, response);
            }
        } finally {
            // Does nothing to what is complete; after a failure or a client's leaving it frees memory at the next step.
            running.cancel();
        }
    }

    private void whole(
            CompletionRequest wanted,
            CompletionJson json,
            RunningCompletion running,
            BlockingQueue<CompletionEvent> events,
            ClientWatch watch,
            HttpServletResponse response)
            throws IOException, InterruptedException {
        Gathered gathered = new Gathered(running.texts().size());
        long deadlineNanos = System.nanoTime() + settings.answerWaitMax().toNanos();
        while (!gathered.isComplete()) {
            CompletionEvent event = events.poll(ClientWatch.PERIOD_MILLIS, TimeUnit.MILLISECONDS);
            watch.look();
            if (event instanceof Failed failed) {
                throw failed.cause();
            }
            if (event != null) {
                gathered.add(event);
            } else if (System.nanoTime() >= deadlineNanos) {
                throw new RequestRefusedException(RefusalCode.TIMED_OUT, "the answer took too long", null);
            }
        }
        ObjectNode answer = json.whole(gathered);
        RoutingJson routing = new RoutingJson(running).with(gathered.decisions());
        answer.set("routing", routing.whole(gathered.ends(), gathered.tokens()));
        answer.set("replay", ReplayJson.of(running, wanted.routing()));
        byte[] body = Json.write(answer);
        response.setContentType(MediaType.APPLICATION_JSON_VALUE);
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }

    private void stream(
            CompletionRequest wanted,
            CompletionJson json,
            RunningCompletion running,
            BlockingQueue<CompletionEvent> events,
            ClientWatch watch,
            EventStream out)
            throws IOException, InterruptedException {
        RoutingJson routing = new RoutingJson(running);
        Gathered gathered = new Gathered(running.texts().size());
        // Where evidence decides, nothing can be said before it has, and it may refuse: until then the status is open.
        boolean said = running.plan().evidence().isEmpty();
        for (int choice = 0; said && choice < running.texts().size(); choice++) {
            ObjectNode first = json.first(choice);
            first.set("routing", routing.head());
            out.send(first);
        }
        long deadlineNanos = System.nanoTime() + settings.answerWaitMax().toNanos();
        while (!gathered.isComplete()) {
            CompletionEvent event = events.poll(ClientWatch.PERIOD_MILLIS, TimeUnit.MILLISECONDS);
            watch.look();
            if (event == null && System.nanoTime() < deadlineNanos) {
                if (said) {
                    out.alive();
                }
                continue;
            }
            if (event == null || event instanceof Failed) {
                RuntimeException cause = event instanceof Failed failed
                        ? failed.cause()
                        : new RequestRefusedException(RefusalCode.TIMED_OUT, "the answer took too long", null);
                if (!said) {
                    throw cause;
                }
                // The status is long sent: an error can only be data, and the stream ends without [DONE].
                out.send(Errors.envelope(Errors.told(cause)));
                return;
            }
            gathered.add(event);
            said = true;
            ObjectNode chunk = chunk(json, routing, event);
            if (chunk != null && gathered.isComplete()) {
                chunk.set("routing", routing.with(gathered.decisions()).whole(gathered.ends(), gathered.tokens()));
                chunk.set("replay", ReplayJson.of(running, wanted.routing()));
            }
            if (chunk != null) {
                out.send(chunk);
            }
        }
        if (wanted.includeUsage()) {
            out.send(json.usageChunk(gathered.ends()));
        }
        out.done();
    }

    /** What an event adds to a stream; null if that is nothing. */
    private static @Nullable ObjectNode chunk(CompletionJson json, RoutingJson routing, CompletionEvent event) {
        if (event instanceof Decided decided) {
            ObjectNode first = json.first(decided.choice());
            first.set("routing", routing.with(List.of(decided)).head());
            return first;
        }
        if (event instanceof Echoed echoed) {
            return json.chunk(echoed.choice(), echoed.text(), echoed.logprobs());
        }
        if (event instanceof Finished finished) {
            return json.last(finished);
        }
        if (!(event instanceof Generated generated)) {
            throw new IllegalStateException("unknown event " + event);
        }
        TokenTrace trace = generated.trace();
        TokenLogprob logprob = generated.logprob();
        if (generated.text().isEmpty() && trace == null && logprob == null) {
            return null;
        }
        ObjectNode chunk =
                json.chunk(generated.choice(), generated.text(), logprob == null ? List.of() : List.of(logprob));
        if (trace != null) {
            chunk.set("routing", routing.of(trace));
        }
        return chunk;
    }
}
