package io.quiver.worker;

import io.quiver.decoder.Precision;
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
 * @param tempDir where adapters and base models lie while they are worked on
 * @param base how base models are run
 */
public record WorkerSettings(
        int concurrency, Duration workMax, Duration retryFor, DataSize weightsSizeMax, Path tempDir, Base base) {
    /**
     * How base models are run, to calibrate them and to read examples.
     *
     * @param calibrates whether this worker calibrates base models
     * @param sizeMax weights of the largest base model that is held in memory; 0 for what the machine has beside the heap
     * @param idle how long a base model stays in memory after its last use
     * @param calibrationSizeMax the largest calibration taken
     * @param precision of the weights in memory
     * @param threads of one operation
     */
    public record Base(
            boolean calibrates,
            DataSize sizeMax,
            Duration idle,
            DataSize calibrationSizeMax,
            Precision precision,
            int threads) {
        public Base {
            if (sizeMax.isNegative() || idle.isNegative() || calibrationSizeMax.toBytes() < 1 || threads < 1) {
                throw new IllegalArgumentException(
                        "quiver.worker.base.size-max and idle must not be negative, calibration-size-max and threads positive");
            }
        }

        /** @param besideHeapBytes memory that this machine has and the heap will never take */
        long weightsBytesMax(long besideHeapBytes) {
            // Single precision takes twice the memory of what models are usually stored in.
            long held = sizeMax.toBytes() > 0 ? sizeMax.toBytes() : besideHeapBytes;
            return precision == Precision.FP32 ? held / 2 : held;
        }
    }

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
