package io.quiver.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedStackTest {
    @Test
    void a_temporary_stack_serves_and_leaves_nothing_behind() throws Exception {
        Path dir;
        try (var stack = EmbeddedStack.startTemporary()) {
            dir = stack.temporaryDir().orElseThrow();
            assertThat(dir.resolve("postgresql/data")).exists();
            for (int port : List.of(
                    stack.postgres().port(), stack.kafka().port(), stack.s3().port())) {
                assertThatThrownBy(() -> LoopbackPort.requireFree(port, "a test", "--port"))
                        .isInstanceOf(PortTakenException.class);
            }
        }
        assertThat(dir).doesNotExist();
    }

    @Test
    void when_one_server_cannot_start_the_others_are_stopped(@TempDir Path dir) throws Exception {
        int kafkaPort = LoopbackPort.free();
        List<String> started = Collections.synchronizedList(new ArrayList<>());
        try (var taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            assertThatThrownBy(() -> EmbeddedStack.start(
                            ServerSettings.onFreePort(dir.resolve("postgresql")),
                            new ServerSettings(dir.resolve("kafka"), kafkaPort, "--kafka-port"),
                            new ServerSettings(dir.resolve("s3"), taken.getLocalPort(), "--s3-port"),
                            (server, elapsedMillis) -> started.add(server)))
                    .isInstanceOf(PortTakenException.class)
                    .hasMessageContaining("the S3 server");
        }
        assertThat(started).containsExactlyInAnyOrder("PostgreSQL 18.6", "Kafka");
        LoopbackPort.requireFree(kafkaPort, "a test", "--kafka-port");
        assertThat(Files.exists(dir.resolve("postgresql/data/postmaster.pid"))).isFalse();
    }
}
