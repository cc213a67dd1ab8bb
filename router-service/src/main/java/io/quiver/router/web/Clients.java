package io.quiver.router.web;

import jakarta.servlet.http.HttpServletRequest;

/** Who waits for answers. */
@FunctionalInterface
public interface Clients {
    /**
     * Whether the client of a request that is being answered has closed its connection. Asked on the thread that answers, which
     * has read the request to its end.
     */
    boolean hasGone(HttpServletRequest request);
}
