package io.quiver.cli.verify;

import java.io.IOException;

/** One thing that can be compared with reference values. */
interface VerifyCase {
    /** Its place in the folder, such as {@code arrow/e3-top1}. */
    String name();

    /**
     * Computes and compares.
     *
     * @throws RuntimeException whatever goes wrong: the case has failed then
     */
    Outcome run() throws IOException;

    /** A case that Quiver does not compute. */
    record Unsupported(String name, String reason) implements VerifyCase {
        @Override
        public Outcome run() {
            return new Outcome.NotSupported(reason);
        }
    }
}
