package io.quiver.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class StandalonePortsTest {
    @Test
    void the_defaults_are_those_of_the_documentation() {
        assertThat(StandalonePorts.DEFAULTS).isEqualTo(new StandalonePorts(7070, 7071, 7072, 7092, 7900, 7432));
    }

    @Test
    void a_port_cannot_be_used_twice() {
        assertThatThrownBy(() -> new StandalonePorts(7070, 7071, 7072, 7092, 7071, 7432))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("--s3-port and --router-port are both 7071");
    }

    @Test
    void a_port_is_1_to_65535() {
        assertThat(new StandalonePorts(1, 65_535, 7072, 7092, 7900, 7432).router())
                .isEqualTo(65_535);
        assertThatThrownBy(() -> new StandalonePorts(0, 7071, 7072, 7092, 7900, 7432))
                .hasMessage("--registry-port must be 1 to 65535, not 0");
        assertThatThrownBy(() -> new StandalonePorts(7070, 65_536, 7072, 7092, 7900, 7432))
                .hasMessage("--router-port must be 1 to 65535, not 65536");
    }
}
