package io.quiver.worker.kafka;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.kafka.listener.MessageListenerContainer;

/** Whether uploads reach this worker: its consumer runs, belongs to the group, and the broker answers. */
public final class ConsumerHealth implements HealthIndicator {
    /** Also bounds the stop of a worker whose broker is away: its client waits for questions that are open. */
    private static final int LIMIT_MILLIS = 3_000;

    private final MessageListenerContainer container;
    private final GroupMembership membership;
    private final Admin admin;

    public ConsumerHealth(MessageListenerContainer container, GroupMembership membership, Admin admin) {
        this.container = container;
        this.membership = membership;
        this.admin = admin;
    }

    @Override
    public Health health() {
        if (!container.isRunning()) {
            return Health.down().withDetail("consumer", "does not run").build();
        }
        if (!membership.isJoined()) {
            return Health.outOfService()
                    .withDetail("consumer", "has not joined its group yet")
                    .build();
        }
        try {
            int brokers = admin.describeCluster(new DescribeClusterOptions().timeoutMs(LIMIT_MILLIS))
                    .nodes()
                    .get(LIMIT_MILLIS, TimeUnit.MILLISECONDS)
                    .size();
            return Health.up()
                    .withDetail("brokers", brokers)
                    .withDetail("partitions", membership.partitionCount())
                    .build();
        } catch (ExecutionException | TimeoutException e) {
            return Health.outOfService().withDetail("broker", "does not answer").build();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Health.unknown().build();
        }
    }
}
