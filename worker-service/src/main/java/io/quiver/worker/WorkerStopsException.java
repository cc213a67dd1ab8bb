package io.quiver.worker;

/** Work was broken off because the worker stops. Worth doing again, by the next worker. */
public final class WorkerStopsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    WorkerStopsException() {
        super("the worker stops");
    }
}
