package io.quiver.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;

/**
 * The three servers together, started side by side.
 *
 * @param temporaryDir the directory that is deleted at {@link #close}, if there is one
 */
public record EmbeddedStack(EmbeddedPostgres postgres, EmbeddedKafka kafka, EmbeddedS3 s3, Optional<Path> temporaryDir)
        implements AutoCloseable {

    /** Hears of each server that has started. Called from several threads. */
    @FunctionalInterface
    public interface Progress {
        void started(String server, long elapsedMillis);
    }

    /** One stack for all tests of this JVM, in a temporary directory, on free ports; stopped when the JVM ends. */
    public static EmbeddedStack shared() {
        return Shared.STACK;
    }

    /** A stack in a new temporary directory, on free ports; {@link #close} deletes the directory. */
    public static EmbeddedStack startTemporary() {
        try {
            Path dir = Files.createTempDirectory("quiver-embedded");
            // PostgreSQL may have to pass under another account.
            Files.setPosixFilePermissions(dir, PosixFilePermissions.fromString("rwx--x--x"));
            EmbeddedStack stack = startIn(dir);
            return new EmbeddedStack(stack.postgres(), stack.kafka(), stack.s3(), Optional.of(dir));
        } catch (IOException e) {
            throw new EmbeddedServerException("no temporary directory", e);
        }
    }

    /** A stack on free ports whose data stays in the directory. */
    public static EmbeddedStack startIn(Path dir) {
        return start(
                ServerSettings.onFreePort(dir.resolve("postgresql")),
                ServerSettings.onFreePort(dir.resolve("kafka")),
                ServerSettings.onFreePort(dir.resolve("s3")),
                (server, elapsedMillis) -> {});
    }

    /** Starts all three; if one fails, the others are stopped and its exception is thrown. */
    public static EmbeddedStack start(
            ServerSettings postgres, ServerSettings kafka, ServerSettings s3, Progress progress) {
        var startedPostgres =
                inParallel("PostgreSQL " + EmbeddedPostgres.VERSION, EmbeddedPostgres::start, postgres, progress);
        var startedKafka = inParallel("Kafka", EmbeddedKafka::start, kafka, progress);
        var startedS3 = inParallel("S3", EmbeddedS3::start, s3, progress);
        try {
            return new EmbeddedStack(startedPostgres.join(), startedKafka.join(), startedS3.join(), Optional.empty());
        } catch (CompletionException e) {
            for (var started : List.of(startedS3, startedKafka, startedPostgres)) {
                started.handle((server, failure) -> server)
                        .thenAccept(server -> {
                            if (server != null) {
                                server.close();
                            }
                        })
                        .join();
            }
            if (e.getCause() instanceof EmbeddedServerException cause) {
                throw cause;
            }
            throw new EmbeddedServerException("the embedded servers do not start", e);
        }
    }

    /** Stops all three; every one is tried, the first failure is thrown. */
    @Override
    public void close() {
        var failures = new ArrayList<RuntimeException>();
        for (EmbeddedServer server : List.of(s3, kafka, postgres)) {
            try {
                server.close();
            } catch (RuntimeException e) {
                failures.add(e);
            }
        }
        temporaryDir.ifPresent(dir -> {
            try {
                Directories.delete(dir);
            } catch (IOException e) {
                failures.add(new EmbeddedServerException("cannot delete " + dir, e));
            }
        });
        if (!failures.isEmpty()) {
            throw failures.get(0);
        }
    }

    private static <S extends EmbeddedServer> CompletableFuture<S> inParallel(
            String name, Function<ServerSettings, S> start, ServerSettings settings, Progress progress) {
        return CompletableFuture.supplyAsync(
                () -> {
                    long began = System.nanoTime();
                    S server = start.apply(settings);
                    progress.started(name, (System.nanoTime() - began) / 1_000_000);
                    return server;
                },
                task -> new Thread(task, "start-" + name).start());
    }

    private static final class Shared {
        private static final EmbeddedStack STACK = startTemporary();

        static {
            Runtime.getRuntime().addShutdownHook(new Thread(STACK::close, "stop-embedded-stack"));
        }

        private Shared() {}
    }
}
