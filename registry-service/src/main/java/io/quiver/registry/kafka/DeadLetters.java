package io.quiver.registry.kafka;

import io.quiver.registry.RegistryException;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.DeadLetter;
import java.time.Duration;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.util.backoff.ExponentialBackOff;

/**
 * What becomes of a record that cannot be processed: a failure of the world (a store or the database away) is tried again with
 * growing pauses until a limit, everything else at once goes to the dead-letter topic, with the reason and the original topic,
 * partition and offset in headers.
 */
public final class DeadLetters {
    private DeadLetters() {}

    /** @param retryFor how long a failure of the world is tried again */
    public static DefaultErrorHandler handler(KafkaTemplate<String, byte[]> kafka, Duration retryFor) {
        DeadLetterPublishingRecoverer recoverer = new DeadLetterPublishingRecoverer(
                kafka, (record, failure) -> new TopicPartition(Topics.DEAD_LETTERS, -1));
        recoverer.addHeadersFunction(
                (record, failure) -> DeadLetter.addReason(new RecordHeaders(), DeadLetter.reason(failure)));
        ExponentialBackOff backOff =
                new ExponentialBackOff(Duration.ofMillis(200).toMillis(), 2);
        backOff.setMaxInterval(Duration.ofSeconds(10).toMillis());
        backOff.setMaxElapsedTime(retryFor.toMillis());
        DefaultErrorHandler handler = new DefaultErrorHandler(recoverer, backOff);
        handler.addNotRetryableExceptions(UnreadableRecordException.class, RegistryException.class);
        return handler;
    }
}
