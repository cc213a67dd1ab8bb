package io.quiver.objectstore.minio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectNotFoundException;
import io.quiver.objectstore.ObjectStoreException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RetriesTest {
    private final Retries three = new Retries(3, Duration.ofMillis(1), Duration.ofMillis(1));
    private final AtomicInteger attempts = new AtomicInteger();

    @Test
    void a_cut_connection_is_tried_again_until_it_works() {
        String answer = three.call(() -> {
            if (attempts.incrementAndGet() < 3) {
                throw RequestFailed.of("read", null, new IOException("cut"));
            }
            return "whole";
        });

        assertThat(answer).isEqualTo("whole");
    }

    @Test
    void a_connection_that_stays_cut_is_given_up_after_the_last_attempt() {
        assertThatExceptionOfType(ObjectStoreException.class)
                .isThrownBy(() -> three.call(() -> {
                    attempts.incrementAndGet();
                    throw RequestFailed.of("read a", null, new IOException("cut"));
                }))
                .withMessage("the object store could not read a: IOException: cut");
        assertThat(attempts).hasValue(3);
    }

    @Test
    void our_own_mistake_is_not_tried_again() {
        assertThatExceptionOfType(ObjectStoreException.class)
                .isThrownBy(() -> three.call(() -> {
                    attempts.incrementAndGet();
                    throw RequestFailed.of("read", new ObjectKey("a"), new IllegalStateException("no such method"));
                }));
        assertThat(attempts).hasValue(1);
    }

    @Test
    void an_interrupt_ends_the_pause_and_is_kept() {
        Thread.currentThread().interrupt();
        try {
            assertThatExceptionOfType(ObjectStoreException.class)
                    .isThrownBy(() -> three.call(() -> {
                        throw RequestFailed.of("read", null, new IOException("cut"));
                    }))
                    .isNotInstanceOf(ObjectNotFoundException.class);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void there_is_at_least_one_attempt_and_pauses_do_not_shrink() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Retries(0, Duration.ZERO, Duration.ZERO));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Retries(1, Duration.ofMillis(2), Duration.ofMillis(1)));
    }
}
