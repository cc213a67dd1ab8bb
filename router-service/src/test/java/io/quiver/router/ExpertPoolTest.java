package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.quiver.decoder.Decoder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ExpertPoolTest {
    private static final long PLENTY = 1L << 30;
    private static final PinnedExpert E0 = TinyModel.expert("e0");
    private static final PinnedExpert E1 = TinyModel.expert("e1");
    private static final PinnedExpert E2 = TinyModel.expert("e2");
    private static Decoder decoder;

    @BeforeAll
    static void open() {
        decoder = TinyModel.open();
    }

    @AfterAll
    static void close() {
        decoder.close();
    }

    /** The room that one expert takes: its file or its resident bytes, whichever is more. */
    private static long oneExpert() {
        ExpertPool pool = new ExpertPool(decoder, TinyModel::files, PLENTY);
        try (ExpertPool.Lease lease = pool.acquire(List.of(E0))) {
            return Math.max(
                    lease.experts().get(0).residentBytes(),
                    E0.content().files().get(0).sizeBytes());
        }
    }

    @Test
    void the_expert_used_longest_ago_goes_first() {
        ExpertPool pool = new ExpertPool(decoder, TinyModel::files, 2 * oneExpert() + 1);
        pool.acquire(List.of(E0)).close();
        pool.acquire(List.of(E1)).close();
        pool.acquire(List.of(E0)).close();
        pool.acquire(List.of(E2)).close();
        assertThat(pool.isResident(E0.digest())).isTrue();
        assertThat(pool.isResident(E1.digest())).isFalse();
        assertThat(pool.isResident(E2.digest())).isTrue();
        assertThat(pool.residentBytes()).isLessThanOrEqualTo(2 * oneExpert() + 1);
    }

    @Test
    void an_expert_in_use_is_not_evicted_and_what_does_not_fit_beside_it_is_refused() {
        ExpertPool pool = new ExpertPool(decoder, TinyModel::files, oneExpert() + 1);
        try (ExpertPool.Lease inUse = pool.acquire(List.of(E0))) {
            RequestRefusedException refused =
                    catchThrowableOfType(RequestRefusedException.class, () -> pool.acquire(List.of(E0, E1)));
            assertThat(refused.code()).isEqualTo(RefusalCode.EXPERTS_DO_NOT_FIT);
            assertThat(inUse.experts()).hasSize(1);
            assertThat(pool.isResident(E0.digest())).isTrue();
        }
        // The refused request has given its own use of E0 back.
        pool.acquire(List.of(E1)).close();
        assertThat(pool.isResident(E0.digest())).isFalse();
    }

    @Test
    void many_requests_at_once_load_an_expert_once() {
        AtomicInteger loads = new AtomicInteger();
        ExpertPool pool = new ExpertPool(
                decoder,
                expert -> {
                    loads.incrementAndGet();
                    return TinyModel.files(expert);
                },
                PLENTY);
        List<CompletableFuture<ExpertPool.Lease>> leases = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            leases.add(CompletableFuture.supplyAsync(() -> pool.acquire(List.of(E0, E1))));
        }
        for (CompletableFuture<ExpertPool.Lease> lease : leases) {
            assertThat(lease.join().experts()).hasSize(2);
        }
        assertThat(loads).hasValue(2);
    }

    @Test
    void a_load_that_failed_is_tried_again_by_the_next_request() {
        AtomicBoolean broken = new AtomicBoolean(true);
        ExpertPool pool = new ExpertPool(
                decoder,
                expert -> {
                    if (broken.get()) {
                        throw new ContentMismatchException("the bytes are other ones");
                    }
                    return TinyModel.files(expert);
                },
                PLENTY);
        assertThatThrownBy(() -> pool.acquire(List.of(E0)))
                .isInstanceOf(RequestRefusedException.class)
                .hasMessageContaining("t/e0 version 1 cannot be loaded: the bytes are other ones");
        assertThat(pool.residentBytes()).isZero();
        broken.set(false);
        assertThat(pool.acquire(List.of(E0)).experts()).hasSize(1);
    }
}
