package io.quiver.router.web;

import java.io.IOException;

/** The client has closed its connection before it had its answer. */
final class ClientGoneException extends IOException {
    private static final long serialVersionUID = 1L;

    ClientGoneException() {
        super("the client has closed its connection");
    }
}
