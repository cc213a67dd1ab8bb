package io.quiver.standalone;

import io.quiver.embedded.LoopbackPort;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The ports of 127.0.0.1 on which everything listens, each 1 to 65535 and used once. */
public record StandalonePorts(int registry, int router, int worker, int kafka, int s3, int postgres) {
    public static final StandalonePorts DEFAULTS = new StandalonePorts(7070, 7071, 7072, 7092, 7900, 7432);
    private static final int HIGHEST = 65_535;

    /** One of the ports: who needs it, and the option that chooses another. */
    record Use(String neededBy, String option, int port) {}

    /** Throws {@link IllegalArgumentException}, whose message is for whoever chose the ports. */
    public StandalonePorts {
        Map<Integer, Use> seen = new LinkedHashMap<>();
        for (Use use : uses(registry, router, worker, kafka, s3, postgres)) {
            if (use.port() < 1 || use.port() > HIGHEST) {
                throw new IllegalArgumentException(use.option() + " must be 1 to 65535, not " + use.port());
            }
            Use other = seen.put(use.port(), use);
            if (other != null) {
                throw new IllegalArgumentException(use.option() + " and " + other.option() + " are both " + use.port());
            }
        }
    }

    /** Ports on which nobody listens at the moment. */
    public static StandalonePorts free() {
        List<Integer> ports = new ArrayList<>();
        while (ports.size() < uses(0, 0, 0, 0, 0, 0).size()) {
            int port = LoopbackPort.free();
            if (!ports.contains(port)) {
                ports.add(port);
            }
        }
        return new StandalonePorts(ports.get(0), ports.get(1), ports.get(2), ports.get(3), ports.get(4), ports.get(5));
    }

    List<Use> uses() {
        return uses(registry, router, worker, kafka, s3, postgres);
    }

    private static List<Use> uses(int registry, int router, int worker, int kafka, int s3, int postgres) {
        return List.of(
                new Use("the registry", "--registry-port", registry),
                new Use("the router", "--router-port", router),
                new Use("the worker", "--worker-port", worker),
                new Use("Kafka", "--kafka-port", kafka),
                new Use("the S3 server", "--s3-port", s3),
                new Use("PostgreSQL", "--postgres-port", postgres));
    }
}
