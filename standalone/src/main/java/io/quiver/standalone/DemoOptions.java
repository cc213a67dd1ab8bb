package io.quiver.standalone;

import java.nio.file.Path;

/**
 * How the demonstration runs.
 *
 * @param quickstartDir the folder with {@code base}, {@code experts} and {@code questions.json}
 * @param exitAfterwards whether to stop by itself after the last answer, instead of serving until Ctrl-C
 * @param beganMillis when the person typed the command, in milliseconds since 1970: from there on times are told
 */
public record DemoOptions(Path quickstartDir, boolean exitAfterwards, long beganMillis) {
    public DemoOptions {
        quickstartDir = quickstartDir.toAbsolutePath().normalize();
    }
}
