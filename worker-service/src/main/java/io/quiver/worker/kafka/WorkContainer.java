package io.quiver.worker.kafka;

import io.quiver.objectstore.ObjectStoreException;
import io.quiver.schemas.Topics;
import io.quiver.worker.WorkerSettings;
import io.quiver.worker.WorkerStopsException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.springframework.kafka.core.ConsumerFactory;
import org.springframework.kafka.listener.ConcurrentMessageListenerContainer;
import org.springframework.kafka.listener.ConsumerRecordRecoverer;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.ContainerProperties.AckMode;
import org.springframework.kafka.listener.MessageListener;
import org.springframework.util.backoff.ExponentialBackOff;

/** How work is taken from Kafka: one record at a time per thread, its offset committed when it is done. */
public final class WorkContainer {
    /** Workers that share the adapters. */
    public static final String ADAPTERS_GROUP = "quiver-worker";

    /** Workers that share the base models: apart, so that no adapter waits for a calibration. */
    public static final String CALIBRATIONS_GROUP = "quiver-calibrator";

    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);

    private WorkContainer() {}

    /** Adapters; the container starts and stops with the application. */
    public static ConcurrentMessageListenerContainer<String, byte[]> adapters(
            ConsumerFactory<String, byte[]> consumers,
            AdapterWorkListener listener,
            ConsumerRecordRecoverer giveUp,
            GroupMembership membership,
            WorkerSettings settings) {
        var container = of(ADAPTERS_GROUP, consumers, listener, giveUp, membership, settings);
        container.setBeanName("uploads");
        container.setConcurrency(settings.concurrency());
        return container;
    }

    /** Base models, one at a time; the container starts and stops with the application. */
    public static ConcurrentMessageListenerContainer<String, byte[]> calibrations(
            ConsumerFactory<String, byte[]> consumers,
            CalibrationListener listener,
            ConsumerRecordRecoverer giveUp,
            WorkerSettings settings) {
        var container = of(CALIBRATIONS_GROUP, consumers, listener, giveUp, new GroupMembership(), settings);
        container.setBeanName("calibrations");
        container.setAutoStartup(settings.base().calibrates());
        return container;
    }

    private static ConcurrentMessageListenerContainer<String, byte[]> of(
            String group,
            ConsumerFactory<String, byte[]> consumers,
            MessageListener<String, byte[]> listener,
            ConsumerRecordRecoverer giveUp,
            GroupMembership membership,
            WorkerSettings settings) {
        ContainerProperties properties = new ContainerProperties(Topics.ADAPTERS);
        properties.setGroupId(group);
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
        container.setCommonErrorHandler(errorHandler(giveUp, settings.retryFor()));
        return container;
    }

    /** Failures of the world are tried again with growing pauses; everything else is given up at once. */
    private static WorkErrorHandler errorHandler(ConsumerRecordRecoverer giveUp, Duration retryFor) {
        ExponentialBackOff pauses = new ExponentialBackOff(FIRST_PAUSE.toMillis(), 2);
        pauses.setMaxInterval(LONGEST_PAUSE.toMillis());
        pauses.setMaxElapsedTime(retryFor.toMillis());
        WorkErrorHandler handler = new WorkErrorHandler(giveUp, pauses);
        handler.defaultFalse();
        handler.addRetryableExceptions(
                ObjectStoreException.class,
                UncheckedIOException.class,
                NotPublishedException.class,
                WorkerStopsException.class);
        return handler;
    }
}
