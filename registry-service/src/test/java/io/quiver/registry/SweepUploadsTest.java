package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import java.io.ByteArrayInputStream;
import java.time.Clock;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class SweepUploadsTest {
    private static final Duration HOUR = Duration.ofHours(1);

    @Test
    void an_upload_is_swept_when_nothing_was_added_to_it_for_an_hour() {
        RunningRegistry.shared();
        ObjectStore store = RunningRegistry.store();
        String id = UUID.randomUUID().toString();
        for (int n = 0; n < 2; n++) {
            store.put(ObjectKey.upload(id, n), new ByteArrayInputStream(new byte[] {1}), 1);
        }
        Clock within = Clock.offset(Clock.systemUTC(), Duration.ofMinutes(58));
        Clock beyond = Clock.offset(Clock.systemUTC(), Duration.ofMinutes(62));
        assertThat(new SweepUploads(store, within, HOUR).sweep()).isZero();
        assertThat(store.find(ObjectKey.upload(id, 0))).isPresent();
        assertThat(new SweepUploads(store, beyond, HOUR).sweep()).isEqualTo(2);
        assertThat(store.list("uploads/" + id)).isEmpty();
    }
}
