package io.quiver.cli;

import io.quiver.standalone.StandaloneOptions;
import io.quiver.standalone.StandalonePorts;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the embedded stack keeps its data and on which ports of 127.0.0.1 it listens. */
final class StackOptions {
    @Option(names = "--data", paramLabel = "DIR", description = "where everything is kept; default ~/.quiver")
    private @Nullable Path data;

    @Option(names = "--registry-port", paramLabel = "N", description = "default 7070")
    private int registryPort = StandalonePorts.DEFAULTS.registry();

    @Option(names = "--router-port", paramLabel = "N", description = "default 7071")
    private int routerPort = StandalonePorts.DEFAULTS.router();

    @Option(names = "--worker-port", paramLabel = "N", description = "default 7072")
    private int workerPort = StandalonePorts.DEFAULTS.worker();

    @Option(names = "--kafka-port", paramLabel = "N", description = "default 7092")
    private int kafkaPort = StandalonePorts.DEFAULTS.kafka();

    @Option(names = "--s3-port", paramLabel = "N", description = "default 7900")
    private int s3Port = StandalonePorts.DEFAULTS.s3();

    @Option(names = "--postgres-port", paramLabel = "N", description = "default 7432")
    private int postgresPort = StandalonePorts.DEFAULTS.postgres();

    /** @throws UsageException if a port is none or is used twice */
    StandaloneOptions options() {
        StandalonePorts ports;
        try {
            ports = new StandalonePorts(registryPort, routerPort, workerPort, kafkaPort, s3Port, postgresPort);
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()));
        }
        return new StandaloneOptions(data == null ? StandaloneOptions.defaultDataDir() : data, ports);
    }
}
