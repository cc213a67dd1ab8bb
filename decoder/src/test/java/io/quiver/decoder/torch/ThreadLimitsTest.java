package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class ThreadLimitsTest {
    @Test
    void a_limit_that_gives_the_decoder_its_threads_is_fine() {
        assertThatCode(() -> ThreadLimits.check(2, Map.of("OMP_THREAD_LIMIT", "2", "OMP_DYNAMIC", "false")))
                .doesNotThrowAnyException();
        assertThatCode(() -> ThreadLimits.check(1, Map.of("OMP_DYNAMIC", "true")))
                .doesNotThrowAnyException();
        assertThatCode(() -> ThreadLimits.check(2, Map.of("OMP_THREAD_LIMIT", "")))
                .doesNotThrowAnyException();
    }

    @Test
    void a_limit_below_the_decoders_threads_is_refused_by_name() {
        assertThatThrownBy(() -> ThreadLimits.check(2, Map.of("OMP_THREAD_LIMIT", "1")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("OMP_THREAD_LIMIT=1");
        assertThatThrownBy(() -> ThreadLimits.check(2, Map.of("OMP_DYNAMIC", "TRUE")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("OMP_DYNAMIC");
    }
}
