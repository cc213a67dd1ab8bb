package io.quiver.cli;

import picocli.CommandLine.Option;

/** Whether a command that asks workers for something stays until they are done. */
final class WaitOption {
    @Option(
            names = "--wait",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "wait until the workers are done; on unless --no-wait")
    private boolean wait;

    boolean isOn() {
        return wait;
    }
}
