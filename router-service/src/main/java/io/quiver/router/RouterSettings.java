package io.quiver.router;

import io.quiver.decoder.Precision;
import java.nio.file.Path;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.util.unit.DataSize;

/**
 * The router's settings, {@code quiver.router.*}; {@code router.yml} has the defaults and says what each is for.
 *
 * @param cacheDir where fetched files lie; safe to delete while the router is stopped
 */
@ConfigurationProperties("quiver.router")
public record RouterSettings(
        Path cacheDir,
        DataSize cacheDirSize,
        ArrowSettings arrow,
        int expertsMax,
        DataSize expertMemory,
        boolean prefetch,
        int runningMax,
        int waitingMax,
        int contextTokensMax,
        int promptTokensMax,
        DataSize cacheMemory,
        DataSize prefixMemory,
        Duration modelWait,
        Duration answerWait,
        DataSize bodyMax,
        Decoding decoder) {
    /** What holds for Arrow unless a request says otherwise. */
    public record ArrowSettings(int topK, double temperature) {}

    /**
     * Where and how base models are decoded.
     *
     * @param keepWeights whether weights are kept beside a model's files as they are multiplied, for the next start to map
     */
    public record Decoding(String device, Precision precision, int threads, boolean keepWeights) {}
}
