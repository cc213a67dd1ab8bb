package io.quiver.standalone;

import io.quiver.client.RegistryClient;
import io.quiver.client.RouterClient;
import io.quiver.client.ServerException;
import io.quiver.embedded.EmbeddedServerException;
import io.quiver.embedded.PortTakenException;
import io.quiver.terminal.Terminal;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;

/**
 * What {@code quiver up} and {@code quiver demo} do, from the start of the servers to the exit status. Both install a shutdown hook
 * that stops everything at Ctrl-C. The caller ends the process with the returned status by {@link System#exit}: after a
 * failed start, threads of a half started part may live on.
 */
public final class Standalone {
    /** Everything was done. */
    public static final int DONE = 0;
    /** A part did not start, or the demonstration did not come to its end. */
    public static final int FAILED = 1;
    /** A port is taken: nothing was started. */
    public static final int PORT_TAKEN = 2;

    private static final double MILLIS_PER_SECOND = 1000;

    /** What to do with a running stack; returns the exit status. */
    private interface Use {
        int of(StandaloneStack stack) throws InterruptedException;
    }

    /** What is measured once a demonstration has come to its last answer, while everything still runs. */
    @FunctionalInterface
    public interface Measurement {
        /** Throws {@link ServerException} when the router refuses or breaks off. */
        void run(RouterClient router) throws InterruptedException;
    }

    private Standalone() {}

    /** Starts the stack and serves until Ctrl-C. Returns only if the start fails. */
    public static int up(StandaloneOptions options, PrintStream out) {
        return run(options, out, stack -> serveUntilStopped(stack, out));
    }

    /**
     * Starts the stack, registers and uploads the bundled model, asks it a few questions, measures, and serves until Ctrl-C. With
     * {@link DemoOptions#exitAfterwards} it returns instead, {@link #DONE} only if every expert became READY and every answer came;
     * its last line sums up.
     */
    public static int demo(StandaloneOptions options, DemoOptions demo, Terminal terminal, Measurement measurement) {
        return run(options, terminal.out(), stack -> demonstrate(stack, demo, terminal, measurement));
    }

    private static int demonstrate(StandaloneStack stack, DemoOptions demo, Terminal terminal, Measurement measurement)
            throws InterruptedException {
        PrintStream out = terminal.out();
        RouterClient router = new RouterClient(stack.routerUrl());
        Demo.Outcome outcome = new Demo(new RegistryClient(stack.registryUrl()), router, demo, terminal).run();
        if (outcome.isComplete()) {
            out.println();
            measurement.run(router);
        }
        if (demo.exitAfterwards()) {
            stack.close();
            out.println(outcome);
            return outcome.isComplete() ? DONE : FAILED;
        }
        out.println();
        out.println(CurlCommands.of(
                stack.registryUrl(), stack.routerUrl(), demo.quickstartDir(), "Shout the word garden."));
        out.println(outcome);
        return serveUntilStopped(stack, out);
    }

    private static int run(StandaloneOptions options, PrintStream out, Use use) {
        StandaloneLogs.into(options.logsDir());
        out.println("Quiver keeps its data in " + options.dataDir() + ", its logs in " + options.logsDir());
        long began = System.nanoTime();
        var stack = new StandaloneStack(
                options, (part, elapsedMillis) -> out.printf("  %-16s ready in %s%n", part, seconds(elapsedMillis)));
        Thread stop = new Thread(() -> stop(stack, out), "stop");
        Runtime.getRuntime().addShutdownHook(stop);
        try {
            stack.start();
            out.printf("Everything is ready after %s.%n", seconds((System.nanoTime() - began) / 1_000_000));
            return use.of(stack);
        } catch (PortTakenException e) {
            out.println(e.getMessage());
            return PORT_TAKEN;
        } catch (EmbeddedServerException | StandaloneException | ServerException | UncheckedIOException e) {
            out.println(e.getMessage());
            return FAILED;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return FAILED;
        }
    }

    private static int serveUntilStopped(StandaloneStack stack, PrintStream out) throws InterruptedException {
        out.println();
        out.println("  registry  " + stack.registryUrl());
        out.println("  router    " + stack.routerUrl() + "/v1   (OpenAI-compatible)");
        out.println();
        out.println("Serving. Ctrl-C stops.");
        new CountDownLatch(1).await();
        return DONE;
    }

    private static void stop(StandaloneStack stack, PrintStream out) {
        long began = System.nanoTime();
        if (stack.stop()) {
            out.printf("Stopped in %s.%n", seconds((System.nanoTime() - began) / 1_000_000));
        }
    }

    static String seconds(long millis) {
        return String.format(Locale.ROOT, "%.1f s", millis / MILLIS_PER_SECOND);
    }
}
