package io.quiver.cli;

import io.quiver.client.RefusedException;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;

/** What to do where a library cannot be routed by evidence. */
final class NotCalibrated {
    private static final String CODE = "not_calibrated";

    private NotCalibrated() {}

    static boolean is(RefusedException refused) {
        return refused.code().equals(CODE);
    }

    /** Says it, if that is why the router refused. */
    static void hint(Terminal terminal, RefusedException refused) {
        if (is(refused)) {
            terminal.err()
                    .println(terminal.paint(
                            Style.DIM,
                            "  quiver base shows how far calibrations are: wait for the end of the base model's, its adapters are"
                                    + " measured then. If it has none or it failed: quiver base calibrate NAME. If one adapter lacks"
                                    + " evidence, quiver show NS/NAME says why; leave it out with --library."));
        }
    }
}
