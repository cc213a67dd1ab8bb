package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.quiver.decoder.Decoder;
import io.quiver.objectstore.ContentMismatchException;
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
                    catchThrowableOfType(RequestRefusedException.class, () -> pool.acquire(List.of(E1)));
            assertThat(refused.code()).isEqualTo(RefusalCode.EXPERTS_DO_NOT_FIT);
            assertThat(inUse.experts()).hasSize(1);
            assertThat(pool.isResident(E0.digest())).isTrue();
        }
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

    @Test
    void a_library_that_never_fits_is_refused_before_anything_is_loaded() {
        AtomicInteger loads = new AtomicInteger();
        ExpertPool pool = new ExpertPool(
                decoder,
                expert -> {
                    loads.incrementAndGet();
                    return TinyModel.files(expert);
                },
                2 * E0.content().files().get(0).sizeBytes());
        RequestRefusedException refused =
                catchThrowableOfType(RequestRefusedException.class, () -> pool.acquire(List.of(E0, E1, E2)));
        assertThat(refused.code()).isEqualTo(RefusalCode.LIBRARY_TOO_LARGE);
        assertThat(refused.code().status()).isEqualTo(400);
        assertThat(loads).hasValue(0);
    }

    @Test
    void what_was_selected_and_cannot_be_loaded_is_left_out() {
        ExpertPool pool = new ExpertPool(
                decoder,
                expert -> {
                    if (expert.equals(E1)) {
                        throw new ContentMismatchException("the bytes are other ones");
                    }
                    return TinyModel.files(expert);
                },
                PLENTY);
        try (ExpertPool.Lease lease = pool.acquireWhatCanBeLoaded(List.of(E0, E1, E2));
                ExpertPool.Lease again = lease.again()) {
            assertThat(again.experts()).isEqualTo(lease.experts()).hasSize(2);
            assertThat(lease.leftOut()).containsOnlyKeys(1);
            assertThat(lease.leftOut().get(1)).contains("the bytes are other ones");
            assertThat(pool.load().inUse()).isEqualTo(2);
        }
        assertThat(pool.load().inUse()).isZero();
        assertThatThrownBy(() -> pool.acquireWhatCanBeLoaded(List.of(E1))).isInstanceOf(RequestRefusedException.class);
    }

    @Test
    void loading_ahead_takes_free_room_only() {
        ExpertPool pool = new ExpertPool(decoder, TinyModel::files, 2 * oneExpert() + 1);
        assertThat(pool.prefetch(E0)).isTrue();
        assertThat(pool.prefetch(E1)).isTrue();
        assertThat(pool.prefetch(E2)).isFalse();
        assertThat(pool.prefetch(E0)).isTrue();
        assertThat(pool.isResident(E0.digest())).isTrue();
        assertThat(pool.isResident(E1.digest())).isTrue();
        assertThat(pool.load().inUse()).isZero();
        pool.acquire(List.of(E2)).close();
        assertThat(pool.isResident(E1.digest())).isFalse();
    }
}
