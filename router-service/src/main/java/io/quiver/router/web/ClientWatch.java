package io.quiver.router.web;

import jakarta.servlet.http.HttpServletRequest;
import java.util.concurrent.TimeUnit;

/** Looks, now and then, whether the client of one request is still there, so that nothing is decoded for nobody. */
final class ClientWatch {
    /** How often, and so how long a client can have gone unnoticed. */
    static final long PERIOD_MILLIS = 100;

    private final Clients clients;
    private final HttpServletRequest request;
    private long lastNanos = System.nanoTime();

    ClientWatch(Clients clients, HttpServletRequest request) {
        this.clients = clients;
        this.request = request;
    }

    /** @throws ClientGoneException if it was time to look, and the client has gone */
    void look() throws ClientGoneException {
        long now = System.nanoTime();
        if (TimeUnit.NANOSECONDS.toMillis(now - lastNanos) >= PERIOD_MILLIS) {
            lastNanos = now;
            if (clients.hasGone(request)) {
                throw new ClientGoneException();
            }
        }
    }
}
