package io.quiver.standalone;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.core.joran.spi.JoranException;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

/** The log files of the standalone stack, one per service and server; the console stays free for people. */
final class StandaloneLogs {
    private StandaloneLogs() {}

    /** Sends everything that is logged in this process into files of {@code dir}. */
    static void into(Path dir) {
        // Else each of the three Boot applications would set up logging anew, for all.
        System.setProperty("org.springframework.boot.logging.LoggingSystem", "none");
        URL configuration = StandaloneLogs.class.getResource("logs.xml");
        if (configuration == null || !(LoggerFactory.getILoggerFactory() instanceof LoggerContext context)) {
            throw new IllegalStateException("logs.xml or Logback is missing in the build");
        }
        try {
            Files.createDirectories(dir);
            context.reset();
            context.putProperty("logs", dir.toString());
            var configurator = new JoranConfigurator();
            configurator.setContext(context);
            configurator.doConfigure(configuration);
        } catch (JoranException e) {
            throw new IllegalStateException("logs.xml is wrong", e);
        } catch (IOException e) {
            throw new StandaloneException("cannot write logs to " + dir + ": " + e, e);
        }
        SLF4JBridgeHandler.removeHandlersForRootLogger();
        SLF4JBridgeHandler.install();
    }
}
