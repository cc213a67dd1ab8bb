package io.quiver.registry;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * The settings under {@code quiver.registry}.
 *
 * @param retryFor how long a worker's event is tried again while a store is away, before it becomes a dead letter
 * @param evidenceSweepEvery how often versions are looked for whose evidence nobody asked for, because a registry died before it could
 */
@ConfigurationProperties("quiver.registry")
public record RegistrySettings(
        @DefaultValue Uploads uploads,
        @DefaultValue Events events,
        @DefaultValue KafkaTopics topics,
        @DefaultValue("2m") Duration retryFor,
        @DefaultValue("30s") Duration evidenceSweepEvery,
        @DefaultValue MeasuredFiles measuredFiles) {
    /**
     * Limits on uploads.
     *
     * @param config adapter_config.json
     * @param weights adapter_model.safetensors
     * @param baseFile any file of a base model but its weights
     * @param baseWeights one file of a base model's weights
     * @param prototypes a worker's prototype file
     * @param calibration a worker's calibration of a base model
     * @param abandonedAfter when an upload to which nothing is added is swept
     */
    public record Uploads(
            @DefaultValue("1MB") DataSize config,
            @DefaultValue("4GB") DataSize weights,
            @DefaultValue("8") int adapterParts,
            @DefaultValue("64MB") DataSize baseFile,
            @DefaultValue("16GB") DataSize baseWeights,
            @DefaultValue("256") int baseParts,
            @DefaultValue("256MB") DataSize prototypes,
            @DefaultValue("8GB") DataSize calibration,
            @DefaultValue("1h") Duration abandonedAfter,
            @DefaultValue("10m") Duration sweepEvery) {
        UploadLimits limits() {
            return new UploadLimits(
                    config.toBytes(),
                    weights.toBytes(),
                    adapterParts,
                    baseFile.toBytes(),
                    baseWeights.toBytes(),
                    baseParts);
        }
    }

    /**
     * Calibrations, prototypes and evidence that nothing refers to any more.
     *
     * @param keptFor how long they stay
     */
    public record MeasuredFiles(
            @DefaultValue("1h") Duration keptFor,
            @DefaultValue("10m") Duration sweepEvery) {}

    /** The stream of events. */
    public record Events(
            @DefaultValue("15s") Duration heartbeat,
            @DefaultValue("200") int subscribersMax) {}

    /** What topics are made with where they are not there. */
    public record KafkaTopics(
            @DefaultValue("3") int partitions,
            @DefaultValue("1") int catalogPartitions,
            @DefaultValue("1") int replicas) {}
}
