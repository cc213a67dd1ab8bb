package io.quiver.embedded;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * A Kafka broker that is its own KRaft controller, in this program, on 127.0.0.1 only. Topics are not made by use: whoever
 * needs one creates it. Its directory holds the logs; it may start on another port the next time.
 */
public final class EmbeddedKafka implements EmbeddedServer {
    private static final int NODE_ID = 1;
    private static final String CONTROLLER_LISTENER = "CONTROLLER";

    private final KafkaRaftServer server;
    private final int port;
    private final AtomicBoolean closed = new AtomicBoolean();

    private EmbeddedKafka(KafkaRaftServer server, int port) {
        this.server = server;
        this.port = port;
    }

    /** Starts a broker, formatting its directory at the first start. Returns when it accepts requests. */
    public static EmbeddedKafka start(ServerSettings settings) {
        int port = settings.freePort("Kafka");
        Path logs = settings.dir().resolve("logs");
        try {
            Files.createDirectories(logs);
            if (!Files.exists(logs.resolve("meta.properties"))) {
                format(logs);
            }
            // Only this process speaks to the controller, and static voters are not kept on disk: its port may differ
            // each time.
            var server = new KafkaRaftServer(
                    KafkaConfig.fromProps(properties(logs, port, LoopbackPort.free()), false), Time.SYSTEM);
            server.startup();
            return new EmbeddedKafka(server, port);
        } catch (Exception e) {
            throw new EmbeddedServerException("Kafka in " + settings.dir() + " does not start: " + e.getMessage(), e);
        }
    }

    /** {@code 127.0.0.1:PORT}. */
    public String bootstrapServers() {
        return "127.0.0.1:" + port;
    }

    public int port() {
        return port;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            server.shutdown();
            server.awaitShutdown();
        }
    }

    private static void format(Path logs) throws Exception {
        try (var silent = new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8)) {
            new Formatter()
                    .setPrintStream(silent)
                    .setClusterId(Uuid.randomUuid().toString())
                    .setNodeId(NODE_ID)
                    .setDirectories(java.util.List.of(logs.toString()))
                    .setMetadataLogDirectory(logs.toString())
                    .setControllerListenerName(CONTROLLER_LISTENER)
                    .setReleaseVersion(MetadataVersion.latestProduction())
                    .setIgnoreFormatted(true)
                    .run();
        }
    }

    private static Properties properties(Path logs, int port, int controllerPort) throws IOException {
        String broker = "PLAINTEXT://127.0.0.1:" + port;
        String controller = "127.0.0.1:" + controllerPort;
        var properties = new Properties();
        properties.put("process.roles", "broker,controller");
        properties.put("node.id", Integer.toString(NODE_ID));
        properties.put("log.dirs", logs.toString());
        properties.put("listeners", broker + "," + CONTROLLER_LISTENER + "://" + controller);
        properties.put("advertised.listeners", broker);
        properties.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT," + CONTROLLER_LISTENER + ":PLAINTEXT");
        properties.put("controller.listener.names", CONTROLLER_LISTENER);
        properties.put("controller.quorum.voters", NODE_ID + "@" + controller);
        properties.put("auto.create.topics.enable", "false");
        // One broker: every replication factor is 1.
        properties.put("default.replication.factor", "1");
        properties.put("offsets.topic.replication.factor", "1");
        properties.put("offsets.topic.num.partitions", "4");
        properties.put("transaction.state.log.replication.factor", "1");
        properties.put("transaction.state.log.min.isr", "1");
        properties.put("transaction.state.log.num.partitions", "1");
        properties.put("share.coordinator.state.topic.replication.factor", "1");
        properties.put("share.coordinator.state.topic.min.isr", "1");
        properties.put("share.coordinator.state.topic.num.partitions", "1");
        properties.put("group.initial.rebalance.delay.ms", "0");
        // Few threads and little memory: it shares the machine with everything else.
        properties.put("num.network.threads", "2");
        properties.put("num.io.threads", "4");
        properties.put("background.threads", "2");
        properties.put("log.cleaner.dedupe.buffer.size", Integer.toString(8 << 20));
        return properties;
    }
}
