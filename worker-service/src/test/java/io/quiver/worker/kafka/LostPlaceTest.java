package io.quiver.worker.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quiver.schemas.CalibrationEvent.CalibrationComputed;
import io.quiver.schemas.CalibrationEvent.CalibrationProgressed;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.Decoded;
import io.quiver.worker.TinyBase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A worker that was away from its group for longer than the group waits. */
class LostPlaceTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final TopicPartition PARTITION = new TopicPartition(Topics.ADAPTERS, 0);

    @Test
    void a_calibration_that_ends_after_its_worker_lost_the_partition_is_found_done_when_it_is_delivered_again(
            @TempDir Path dir) throws Exception {
        TinyBase base = TinyBase.saved();
        // Shorter than the calibration and longer than finding it done.
        try (WorkerStack stack = WorkerStack.start(
                        dir, "--quiver.worker.work-max=700ms", "--quiver.worker.base.precision=fp32");
                Admin admin =
                        Admin.create(Map.of("bootstrap.servers", stack.kafka().bootstrapServers()))) {
            KafkaTopics topics = stack.topics();
            base.storedIn(stack.store());
            topics.send("1", base.requested(1, 1));

            await().atMost(LIMIT).until(() -> committed(admin) == 1);
            List<Decoded.Known> ends = topics.said("base/llama").stream()
                    .filter(known -> !(known.event() instanceof CalibrationProgressed))
                    .toList();
            assertThat(ends).hasSizeGreaterThan(1).allSatisfy(end -> {
                assertThat(end.id()).isEqualTo(ends.get(0).id());
                assertThat(end.event())
                        .isInstanceOfSatisfying(
                                CalibrationComputed.class,
                                computed -> assertThat(computed.calibration())
                                        .isEqualTo(((CalibrationComputed)
                                                        ends.get(0).event())
                                                .calibration()));
            });
            assertThat(stack.store().list("calibrations/")).hasSize(1);
            assertThat(topics.deadLetters()).isEmpty();
            assertThat(stack.worker().health("liveness")).isEqualTo(200);
        }
    }

    /** The offset from which the calibrating workers would go on; 0 before the first commit. */
    private static long committed(Admin admin) throws Exception {
        OffsetAndMetadata offset = admin.listConsumerGroupOffsets(WorkContainer.CALIBRATIONS_GROUP)
                .partitionsToOffsetAndMetadata()
                .get()
                .get(PARTITION);
        return offset == null ? 0 : offset.offset();
    }
}
