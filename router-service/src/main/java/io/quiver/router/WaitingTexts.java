package io.quiver.router;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Texts that wait to be begun. Clients take turns, and the texts of one client come in their order: whoever sends many does
 * not hold up who sends one. The next text stays the next one until it is taken, so that a large one is not passed for ever.
 * Thread-safe.
 */
final class WaitingTexts {
    /** By client, whose turn is next first; no client without texts. Guarded by this. */
    private final Map<String, Deque<ScheduledText>> byClient = new LinkedHashMap<>();

    synchronized void add(ScheduledText text) {
        byClient.computeIfAbsent(text.client(), client -> new ArrayDeque<>()).add(text);
        notifyAll();
    }

    /** The next text, which stays here; null if there is none. */
    synchronized @Nullable ScheduledText next() {
        return byClient.isEmpty() ? null : byClient.values().iterator().next().peekFirst();
    }

    /** Waits until there is a text, or for a bounded time. */
    synchronized void await(long millisMax) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millisMax);
        for (long left = millisMax; byClient.isEmpty() && left > 0; ) {
            wait(left);
            left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        }
    }

    /** Takes a text away, after which it is another client's turn; false if it was not here. */
    synchronized boolean take(ScheduledText text) {
        Deque<ScheduledText> mine = byClient.remove(text.client());
        boolean was = mine != null && mine.remove(text);
        if (mine != null && !mine.isEmpty()) {
            byClient.put(text.client(), mine);
        }
        return was;
    }

    /** Takes away what nobody waits for any more. */
    synchronized List<ScheduledText> takeCancelled() {
        List<ScheduledText> cancelled = new ArrayList<>();
        for (Iterator<Deque<ScheduledText>> clients = byClient.values().iterator(); clients.hasNext(); ) {
            Deque<ScheduledText> texts = clients.next();
            texts.removeIf(text -> text.task().isCancelled() && cancelled.add(text));
            if (texts.isEmpty()) {
                clients.remove();
            }
        }
        return cancelled;
    }

    synchronized List<ScheduledText> takeAll() {
        List<ScheduledText> all =
                byClient.values().stream().flatMap(Collection::stream).toList();
        byClient.clear();
        return all;
    }
}
