package io.quiver.worker.kafka;

import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.common.TopicPartition;

/**
 * Whether this worker belongs to its consumer group. A member may have no partition, when there are more workers than
 * partitions: it stands by. Thread-safe.
 */
public final class GroupMembership implements ConsumerRebalanceListener {
    private final Map<TopicPartition, Boolean> partitions = new ConcurrentHashMap<>();
    private final AtomicBoolean joined = new AtomicBoolean();

    /** Whether the group has ever told this worker what to do. */
    public boolean isJoined() {
        return joined.get();
    }

    /** How many partitions are this worker's. */
    public int partitionCount() {
        return partitions.size();
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
        assigned.forEach(partition -> partitions.put(partition, true));
        joined.set(true);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
        revoked.forEach(partitions::remove);
    }
}
