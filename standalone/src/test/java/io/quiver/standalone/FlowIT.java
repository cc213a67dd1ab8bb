package io.quiver.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.quiver.client.Reconnecting;
import io.quiver.client.RefusedException;
import io.quiver.client.RegistryClient.EventQuery;
import io.quiver.client.Routing;
import io.quiver.schemas.Event;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.CloudEventCodec;
import io.quiver.schemas.kafka.Decoded;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** From upload to routed completion through the real servers and services, and again after restarts, wanted and not. */
class FlowIT {
    private static final Set<String> ALL = Set.of("reference/e0", "reference/e1", "reference/e2");
    private static final String QUESTION = "two days";
    private static final Duration READY_LIMIT = Duration.ofMinutes(2);
    private static final double COEFFICIENT_TOLERANCE = 5e-5;

    private final StandalonePorts ports = StandalonePorts.free();
    private final Client client = new Client(ports);
    private StackDirectory directory;
    private Path dir;

    @BeforeAll
    static void compute_as_the_reference_does() {
        System.setProperty("quiver.router.decoder.precision", "fp32");
    }

    @BeforeEach
    void directory() throws IOException {
        directory = StackDirectory.make();
        dir = directory.path();
    }

    @AfterEach
    void delete() throws IOException {
        directory.close();
    }

    @Test
    void uploads_become_experts_that_answer_as_the_reference_does_also_after_a_restart() throws Exception {
        ReferenceCase reference = ReferenceCase.read();
        Routing chat;
        try (var stack = start()) {
            client.upload();
            assertThat(readyByKafka()).isEqualTo(ALL);
            assertThat(readyByServerSentEvents()).isEqualTo(ALL);

            Routing completion = completed(reference);
            assertThat(Client.tokens(completion)).isEqualTo(reference.greedy());
            Routing.Token first = completion.tokens().get(0);
            for (int e = 0; e < reference.firstShares().length; e++) {
                assertThat(first.shares().get(e)).isCloseTo(reference.firstShares()[e], within(COEFFICIENT_TOLERANCE));
            }
            assertThat(completion.experts().get(first.expert()).name())
                    .isEqualTo("reference/e" + largest(reference.firstShares()));
            chat = client.chat(QUESTION);
            assertThat(Client.tokens(chat)).hasSize(16);
            String calibration = awaitCalibrated(1);
            ReferenceCase.EXPERTS.forEach(
                    expert -> assertThat(client.evidence(expert)).containsExactly(calibration));
            // What serves is replaced when the new one is there, and stays until then.
            client.registry().calibrate("llama", 2);
            String second = awaitCalibrated(2);
            ReferenceCase.EXPERTS.forEach(
                    expert -> assertThat(client.evidence(expert)).containsExactly(second, calibration));
            assertThat(Client.tokens(completed(reference))).isEqualTo(reference.greedy());
            assertThat(stack.registryUrl().getPort()).isEqualTo(ports.registry());
        }
        try (var stack = start()) {
            assertThat(Client.tokens(completed(reference))).isEqualTo(reference.greedy());
            Routing again = client.chat(QUESTION);
            assertThat(Client.tokens(again)).isEqualTo(Client.tokens(chat));
            assertThat(again.experts()).isEqualTo(chat.experts());
            assertThat(stack.routerUrl().getPort()).isEqualTo(ports.router());
        }
    }

    @Test
    void uploads_that_were_accepted_before_the_program_was_killed_become_ready_when_it_starts_again() throws Exception {
        ReferenceCase reference = ReferenceCase.read();
        Process program = startProgram();
        try {
            client.upload();
        } finally {
            program.destroyForcibly();
        }
        assertThat(program.waitFor(10, TimeUnit.SECONDS)).isTrue();

        try (var stack = start()) {
            await().atMost(READY_LIMIT)
                    .untilAsserted(() -> assertThat(ReferenceCase.EXPERTS)
                            .allSatisfy(
                                    expert -> assertThat(client.state(expert)).isEqualTo("READY")));
            assertThat(Client.tokens(completed(reference))).isEqualTo(reference.greedy());
            String calibration = awaitCalibrated(1);
            ReferenceCase.EXPERTS.forEach(
                    expert -> assertThat(client.evidence(expert)).containsExactly(calibration));
            assertThat(stack.registryUrl().getPort()).isEqualTo(ports.registry());
        }
    }

    /** Waits until the base is calibrated by that attempt and all experts are measured against it; returns the calibration's digest. */
    private String awaitCalibrated(int attempt) {
        await().atMost(READY_LIMIT)
                .until(() -> client.calibrated().path("attempt").asInt(0) == attempt);
        String digest = client.calibrated().path("file").path("digest").asString();
        await().atMost(READY_LIMIT)
                .untilAsserted(() -> assertThat(ReferenceCase.EXPERTS)
                        .allSatisfy(
                                expert -> assertThat(client.evidence(expert)).startsWith(digest)));
        return digest;
    }

    /** Run in a JVM of its own: starts a stack, says so and waits to be killed. */
    public static void main(String[] arguments) throws Exception {
        compute_as_the_reference_does();
        int[] port = java.util.Arrays.stream(arguments[1].split(","))
                .mapToInt(Integer::parseInt)
                .toArray();
        var ports = new StandalonePorts(port[0], port[1], port[2], port[3], port[4], port[5]);
        start(Path.of(arguments[0]), ports);
        System.out.println("ready");
        Thread.currentThread().join();
    }

    private Process startProgram() throws IOException {
        String chosen = ports.registry() + "," + ports.router() + "," + ports.worker() + "," + ports.kafka() + ","
                + ports.s3() + "," + ports.postgres();
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dai.djl.offline=true",
                        "-cp",
                        System.getProperty("java.class.path"),
                        FlowIT.class.getName(),
                        dir.toString(),
                        chosen)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        var output = new BufferedReader(new InputStreamReader(program.getInputStream(), StandardCharsets.UTF_8));
        assertThat(output.readLine()).isEqualTo("ready");
        return program;
    }

    private StandaloneStack start() {
        return start(dir, ports);
    }

    private static StandaloneStack start(Path dir, StandalonePorts ports) {
        var options = new StandaloneOptions(dir, ports);
        StandaloneLogs.into(options.logsDir());
        var stack = new StandaloneStack(options, (part, elapsedMillis) -> {});
        stack.start();
        return stack;
    }

    /** The router's catalogue follows the registry's state by moments. */
    private Routing completed(ReferenceCase reference) {
        return await().atMost(READY_LIMIT)
                .ignoreExceptionsMatching(
                        thrown -> thrown instanceof RefusedException e && (e.status() == 404 || e.status() == 503))
                .until(() -> client.complete(reference), answer -> true);
    }

    private Set<String> readyByKafka() {
        Map<String, Object> settings = Map.of(
                "bootstrap.servers",
                "127.0.0.1:" + ports.kafka(),
                "group.id",
                "somebody",
                "auto.offset.reset",
                "earliest");
        Set<String> ready = new HashSet<>();
        long deadline = System.nanoTime() + READY_LIMIT.toNanos();
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(Topics.ADAPTERS));
            while (ready.size() < ALL.size() && System.nanoTime() < deadline) {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> {
                    if (CloudEventCodec.decode(record) instanceof Decoded.Known known
                            && known.event() instanceof Event.AdapterReady adapterReady) {
                        assertThat(record.key())
                                .isEqualTo(adapterReady.adapter().toString());
                        ready.add(record.key());
                    }
                });
            }
        }
        return ready;
    }

    private Set<String> readyByServerSentEvents() {
        Set<String> ready = new HashSet<>();
        client.registry()
                .follow(
                        EventQuery.after(0, List.of("AdapterReady"), Optional.empty()),
                        event -> {
                            assertThat(event.type()).isEqualTo("AdapterReady");
                            ready.add(event.version().orElseThrow().adapter().toString());
                            return ready.size() < ALL.size();
                        },
                        new Reconnecting(0, line -> {}));
        return ready;
    }

    private static int largest(double[] shares) {
        int largest = 0;
        for (int e = 1; e < shares.length; e++) {
            largest = shares[e] > shares[largest] ? e : largest;
        }
        return largest;
    }
}
