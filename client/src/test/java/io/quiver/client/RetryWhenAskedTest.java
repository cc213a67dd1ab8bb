package io.quiver.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class RetryWhenAskedTest {
    private final List<Long> pausesSeconds = new ArrayList<>();
    private long nanos = 5;
    private final RetryWhenAsked retry = new RetryWhenAsked(
            3,
            duration -> {
                pausesSeconds.add(duration.toSeconds());
                nanos += duration.toNanos();
            },
            () -> nanos);

    @Test
    void a_request_is_repeated_after_the_time_that_the_service_asked_for() throws InterruptedException {
        assertThat(retry.call(refusedFirst(2, Optional.of(Duration.ofSeconds(4)))))
                .isEqualTo("answer");
        assertThat(pausesSeconds).containsExactly(4L, 4L);
    }

    @Test
    void the_last_attempt_s_refusal_is_thrown() {
        assertThatThrownBy(() -> retry.call(refusedFirst(3, Optional.of(Duration.ofSeconds(1)))))
                .isInstanceOf(RefusedException.class);
        assertThat(pausesSeconds).hasSize(2);
    }

    @Test
    void a_refusal_for_good_is_thrown_at_once() {
        assertThatThrownBy(() -> retry.call(refusedFirst(1, Optional.empty()))).isInstanceOf(RefusedException.class);
        assertThat(pausesSeconds).isEmpty();
    }

    @Test
    void nobody_waits_longer_than_a_minute_at_a_time() throws InterruptedException {
        retry.call(refusedFirst(1, Optional.of(Duration.ofHours(3))));

        assertThat(pausesSeconds).containsExactly(60L);
    }

    private static Supplier<String> refusedFirst(int times, Optional<Duration> retryAfter) {
        int[] attempts = new int[1];
        return () -> {
            if (attempts[0]++ < times) {
                throw new RefusedException(429, "queue_full", "full", List.of()).withRetryAfter(retryAfter);
            }
            return "answer";
        };
    }
}
