package io.quiver.worker;

import java.nio.file.Path;
import java.time.Duration;
import org.springframework.util.unit.DataSize;

/**
 * How this worker works: {@code quiver.worker} in worker.yml.
 *
 * @param concurrency adapters computed at once; more than there are partitions would be idle
 * @param workMax how long one adapter may take before Kafka gives its partition to another worker
 * @param retryFor how long failures of the object store or the disk are tried again for one adapter
 * @param weightsSizeMax the largest adapter_model.safetensors taken
 * @param tempDir where adapters lie while they are worked on
 */
public record WorkerSettings(
        int concurrency, Duration workMax, Duration retryFor, DataSize weightsSizeMax, Path tempDir) {
    public WorkerSettings {
        if (concurrency < 1) {
            throw new IllegalArgumentException("quiver.worker.concurrency must be at least 1, but is " + concurrency);
        }
        if (workMax.isZero() || workMax.isNegative() || retryFor.isNegative() || weightsSizeMax.toBytes() < 1) {
            throw new IllegalArgumentException(
                    "quiver.worker.work-max and weights-size-max must be positive, retry-for not negative");
        }
    }
}
