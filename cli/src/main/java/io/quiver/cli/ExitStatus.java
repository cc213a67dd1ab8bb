package io.quiver.cli;

/** What the process ends with; the same for every command. */
final class ExitStatus {
    /** Done. */
    static final int DONE = 0;
    /** The answer is no: a service refused, a version failed, a check found a difference. */
    static final int REFUSED = 1;
    /** The command line cannot be understood, or names something on this machine that is not there. */
    static final int USAGE = 2;
    /** A service cannot be reached, or the connection to it broke. */
    static final int UNREACHABLE = 3;

    private ExitStatus() {}
}
