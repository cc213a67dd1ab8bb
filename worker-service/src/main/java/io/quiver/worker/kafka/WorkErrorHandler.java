package io.quiver.worker.kafka;

import java.time.Duration;
import java.util.List;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.kafka.KafkaException;
import org.springframework.kafka.KafkaException.Level;
import org.springframework.kafka.listener.ConsumerRecordRecoverer;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.kafka.listener.ListenerUtils;
import org.springframework.kafka.listener.MessageListenerContainer;
import org.springframework.util.backoff.BackOff;

/**
 * What becomes of a record that was not both worked on and committed. A failure of the work is tried again or given up. Where the
 * work was done and only its commit failed, because the worker lost its place in the group or the broker did not answer, nothing
 * has failed: the record is delivered again, to this worker or another, finds its work done, and is not counted as tried.
 */
final class WorkErrorHandler extends DefaultErrorHandler {
    private static final Logger LOG = LoggerFactory.getLogger(WorkErrorHandler.class);

    /** So that a broker that refuses commits at once is not asked without end. */
    private static final Duration PAUSE = Duration.ofMillis(500);

    /** @param pauses between the attempts at work that fails for reasons of the world */
    WorkErrorHandler(ConsumerRecordRecoverer giveUp, BackOff pauses) {
        super(giveUp, pauses);
    }

    @Override
    public void handleRemaining(
            Exception failure,
            List<ConsumerRecord<?, ?>> records,
            Consumer<?, ?> consumer,
            MessageListenerContainer container) {
        // What a listener throws comes wrapped: the client's own exceptions are those of the commit.
        if (!(failure instanceof org.apache.kafka.common.KafkaException)) {
            super.handleRemaining(failure, records, consumer, container);
            return;
        }
        ConsumerRecord<?, ?> done = records.get(0);
        LOG.warn(
                "record {} of {}-{} is done but its commit failed, it is delivered again: {}",
                done.offset(),
                done.topic(),
                done.partition(),
                failure.getMessage());
        seek(records, consumer);
        pause(container);
        // The container commits what its handler returns from.
        throw new KafkaException("done but not committed", Level.DEBUG, failure);
    }

    /** Partitions that are gone are read from what was committed last, by whoever gets them. */
    private static void seek(List<ConsumerRecord<?, ?>> records, Consumer<?, ?> consumer) {
        for (int n = records.size() - 1; n >= 0; n--) {
            ConsumerRecord<?, ?> record = records.get(n);
            TopicPartition partition = new TopicPartition(record.topic(), record.partition());
            if (consumer.assignment().contains(partition)) {
                consumer.seek(partition, record.offset());
            }
        }
    }

    private static void pause(MessageListenerContainer container) {
        try {
            ListenerUtils.stoppableSleep(container, PAUSE.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
