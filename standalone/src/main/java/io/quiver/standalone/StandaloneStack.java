package io.quiver.standalone;

import io.quiver.embedded.DirectoryLock;
import io.quiver.embedded.EmbeddedPostgres;
import io.quiver.embedded.EmbeddedStack;
import io.quiver.embedded.LoopbackPort;
import io.quiver.embedded.ServerSettings;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * PostgreSQL, Kafka, the S3 server and the three services, running in this process. They start in this order, and stop in the
 * opposite one. {@link #close} may be called by another thread while {@link #start} runs: it waits for the step in progress.
 */
public final class StandaloneStack implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(StandaloneStack.class);

    private final StandaloneOptions options;
    private final EmbeddedStack.Progress progress;
    private final Deque<AutoCloseable> started = new ArrayDeque<>();
    private boolean closed;

    /** A stack that has not been started; {@code progress} hears of every server and service that is ready. */
    public StandaloneStack(StandaloneOptions options, EmbeddedStack.Progress progress) {
        this.options = options;
        this.progress = progress;
    }

    /**
     * Starts everything; returns when completions can be asked for. Throws {@link io.quiver.embedded.PortTakenException} before
     * anything has started if a port is taken, {@link io.quiver.embedded.EmbeddedServerException} or
     * {@link StandaloneException} if a part does not start; what has started is to be stopped by {@link #close}.
     */
    public void start() {
        step(() -> DirectoryLock.acquire(options.dataDir()));
        // One that a killed program left behind would hold the port.
        EmbeddedPostgres.stopOrphan(StandaloneOptions.postgresDir(options.dataDir()));
        options.ports().uses().forEach(use -> LoopbackPort.requireFree(use.port(), use.neededBy(), use.option()));
        EmbeddedStack servers = step(this::startServers);
        step(() -> startService(Service.REGISTRY, options.ports().registry(), settings(servers)));
        step(() -> {
            var worker = inParallel(
                    () -> startService(Service.WORKER, options.ports().worker(), settings(servers)));
            var router = inParallel(
                    () -> startService(Service.ROUTER, options.ports().router(), settings(servers)));
            return bothOrNone(worker, router);
        });
    }

    public URI registryUrl() {
        return URI.create("http://127.0.0.1:" + options.ports().registry());
    }

    public URI routerUrl() {
        return URI.create("http://127.0.0.1:" + options.ports().router());
    }

    @Override
    public void close() {
        stop();
    }

    /**
     * Stops what runs, the last started first; returns whether anything ran. What does not stop is logged, and the rest stopped
     * all the same.
     */
    synchronized boolean stop() {
        closed = true;
        // The lock alone is nothing that runs.
        boolean ran = started.size() > 1;
        while (!started.isEmpty()) {
            AutoCloseable part = started.pop();
            try {
                part.close();
            } catch (Exception e) {
                log.error("could not stop {}", part, e);
            }
        }
        return ran;
    }

    private synchronized <T extends AutoCloseable> T step(Supplier<T> start) {
        if (closed) {
            throw new StandaloneException("stopped while starting", null);
        }
        T part = start.get();
        started.push(part);
        return part;
    }

    private EmbeddedStack startServers() {
        Path data = options.dataDir();
        StandalonePorts ports = options.ports();
        return EmbeddedStack.start(
                new ServerSettings(StandaloneOptions.postgresDir(data), ports.postgres(), "--postgres-port"),
                new ServerSettings(data.resolve("kafka"), ports.kafka(), "--kafka-port"),
                new ServerSettings(data.resolve("s3"), ports.s3(), "--s3-port"),
                progress);
    }

    private ConfigurableApplicationContext startService(Service service, int port, List<String> settings) {
        long began = System.nanoTime();
        try {
            ConfigurableApplicationContext context = service.start(port, settings);
            Readiness.await(URI.create("http://127.0.0.1:" + port));
            progress.started(service.label(), (System.nanoTime() - began) / 1_000_000);
            return context;
        } catch (RuntimeException e) {
            log.error("the {} does not start", service.label(), e);
            throw new StandaloneException(
                    "the " + service.label() + " does not start: " + rootMessage(e) + "; see " + options.logsDir(), e);
        }
    }

    private List<String> settings(EmbeddedStack servers) {
        var settings = new ArrayList<String>();
        settings.add("quiver.kafka.bootstrap-servers=" + servers.kafka().bootstrapServers());
        settings.add("quiver.object-store.endpoint=" + servers.s3().endpoint());
        settings.add("quiver.object-store.access-key=" + servers.s3().accessKey());
        settings.add("quiver.object-store.secret-key=" + servers.s3().secretKey());
        settings.add("spring.datasource.url=" + servers.postgres().jdbcUrl());
        settings.add("spring.datasource.username=" + servers.postgres().user());
        settings.add("spring.datasource.password=" + servers.postgres().password());
        settings.add("quiver.router.cache-dir=" + options.dataDir().resolve("router-cache"));
        settings.add("quiver.worker.temp-dir=" + options.dataDir().resolve("worker-temp"));
        return settings;
    }

    private static CompletableFuture<ConfigurableApplicationContext> inParallel(
            Supplier<ConfigurableApplicationContext> start) {
        return CompletableFuture.supplyAsync(start, task -> new Thread(task, "start-service").start());
    }

    private static AutoCloseable bothOrNone(
            CompletableFuture<ConfigurableApplicationContext> worker,
            CompletableFuture<ConfigurableApplicationContext> router) {
        try {
            ConfigurableApplicationContext startedWorker = worker.join();
            ConfigurableApplicationContext startedRouter = router.join();
            return () -> {
                startedRouter.close();
                startedWorker.close();
            };
        } catch (CompletionException e) {
            for (var service : List.of(worker, router)) {
                service.handle((context, failure) -> context == null ? null : (Runnable) context::close)
                        .thenAccept(close -> {
                            if (close != null) {
                                close.run();
                            }
                        })
                        .join();
            }
            if (e.getCause() instanceof StandaloneException cause) {
                throw cause;
            }
            throw e;
        }
    }

    private static String rootMessage(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        return root.getMessage() == null ? root.toString() : root.getMessage();
    }
}
