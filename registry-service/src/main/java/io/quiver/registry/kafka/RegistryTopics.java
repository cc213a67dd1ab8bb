package io.quiver.registry.kafka;

import io.quiver.schemas.Topics;
import org.apache.kafka.common.config.TopicConfig;
import org.springframework.kafka.config.TopicBuilder;
import org.springframework.kafka.core.KafkaAdmin.NewTopics;

/** The topics as they should be; made at the start where they are not there, and left as they are where they are. */
public final class RegistryTopics {
    private RegistryTopics() {}

    /**
     * @param partitions of the topics of adapters and prototypes: the most workers that can share the work
     * @param catalogPartitions of the catalogue, which every router reads whole
     */
    public static NewTopics all(int partitions, int catalogPartitions, int replicas) {
        return new NewTopics(
                TopicBuilder.name(Topics.ADAPTERS)
                        .partitions(partitions)
                        .replicas(replicas)
                        .build(),
                TopicBuilder.name(Topics.PROTOTYPES)
                        .partitions(partitions)
                        .replicas(replicas)
                        .build(),
                TopicBuilder.name(Topics.CATALOG)
                        .partitions(catalogPartitions)
                        .replicas(replicas)
                        .compact()
                        .config(TopicConfig.MIN_CLEANABLE_DIRTY_RATIO_CONFIG, "0.1")
                        .build(),
                TopicBuilder.name(Topics.DEAD_LETTERS)
                        .partitions(1)
                        .replicas(replicas)
                        .config(TopicConfig.RETENTION_MS_CONFIG, "-1")
                        .build());
    }
}
