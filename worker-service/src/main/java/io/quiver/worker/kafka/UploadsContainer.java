package io.quiver.worker.kafka;

import io.quiver.objectstore.ObjectStoreException;
import io.quiver.schemas.Topics;
import io.quiver.worker.WorkerSettings;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.springframework.kafka.core.ConsumerFactory;
import org.springframework.kafka.listener.ConcurrentMessageListenerContainer;
import org.springframework.kafka.listener.ConsumerRecordRecoverer;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.ContainerProperties.AckMode;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.util.backoff.ExponentialBackOff;

/** How uploads are taken from Kafka: one record at a time per thread, its offset committed when it is done. */
public final class UploadsContainer {
    public static final String GROUP = "quiver-worker";

    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);

    private UploadsContainer() {}

    /** A container that starts and stops with the application. */
    public static ConcurrentMessageListenerContainer<String, byte[]> of(
            ConsumerFactory<String, byte[]> consumers,
            AdapterUploadedListener listener,
            ConsumerRecordRecoverer giveUp,
            GroupMembership membership,
            WorkerSettings settings) {
        ContainerProperties properties = new ContainerProperties(Topics.ADAPTERS);
        properties.setGroupId(GROUP);
        properties.setMessageListener(listener);
        properties.setAckMode(AckMode.RECORD);
        properties.setSyncCommits(true);
        properties.setConsumerRebalanceListener(membership);
        // A record under way when the worker stops is not waited for: it is delivered again, and gives the same bytes.
        properties.setStopImmediate(true);
        properties.setShutdownTimeout(STOP_LIMIT.toMillis());
        Properties consumer = new Properties();
        consumer.setProperty(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, "1");
        consumer.setProperty(
                ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG,
                Long.toString(settings.workMax().toMillis()));
        properties.setKafkaConsumerProperties(consumer);
        var container = new ConcurrentMessageListenerContainer<>(consumers, properties);
        container.setBeanName("uploads");
        container.setConcurrency(settings.concurrency());
        container.setCommonErrorHandler(errorHandler(giveUp, settings.retryFor()));
        return container;
    }

    /** Failures of the world are tried again with growing pauses; everything else is given up at once. */
    private static DefaultErrorHandler errorHandler(ConsumerRecordRecoverer giveUp, Duration retryFor) {
        ExponentialBackOff pauses = new ExponentialBackOff(FIRST_PAUSE.toMillis(), 2);
        pauses.setMaxInterval(LONGEST_PAUSE.toMillis());
        pauses.setMaxElapsedTime(retryFor.toMillis());
        DefaultErrorHandler handler = new DefaultErrorHandler(giveUp, pauses);
        handler.defaultFalse();
        handler.addRetryableExceptions(
                ObjectStoreException.class, UncheckedIOException.class, NotPublishedException.class);
        return handler;
    }
}
