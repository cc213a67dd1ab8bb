package io.quiver.standalone;

import io.quiver.client.RegistryClient;
import io.quiver.schemas.AdapterName;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Waits until a base model is calibrated and its adapters are measured against it, and shows how far that is. */
final class AwaitEvidence {
    private static final long LIMIT_MILLIS = 180_000;
    private static final long PAUSE_MILLIS = 100;

    private final RegistryClient registry;
    private final Terminal terminal;

    AwaitEvidence(RegistryClient registry, Terminal terminal) {
        this.registry = registry;
        this.terminal = terminal;
    }

    /** Throws {@link StandaloneException} if something cannot be calibrated, or not in three minutes. */
    void of(String base, List<AdapterName> adapters) throws InterruptedException {
        long began = System.nanoTime();
        JsonNode calibration = calibrated(base, began);
        terminal.out()
                .println(terminal.paint(Style.BOLD, "Base model calibrated")
                        + " on requests sampled from itself, by a worker, in "
                        + Standalone.seconds(calibration
                                .path("calibrated")
                                .path("elapsedMillis")
                                .asLong(0)));
        for (int i = 0; i < adapters.size(); i++) {
            terminal.progress("measuring experts against it: " + i + " of " + adapters.size());
            awaitMeasured(adapters.get(i), began);
        }
        terminal.progress("");
        terminal.out().println(terminal.paint(Style.BOLD, adapters.size() + " experts measured") + " against it");
    }

    private JsonNode calibrated(String base, long began) throws InterruptedException {
        while (true) {
            JsonNode calibration = registry.baseModel(base).path("calibration");
            if (calibration.path("calibrated").isObject()) {
                terminal.progress("");
                return calibration;
            }
            if (calibration.path("state").asString("").equals("FAILED")) {
                throw new StandaloneException(
                        "the base model was not calibrated: "
                                + calibration.path("failure").path("message").asString(""),
                        null);
            }
            JsonNode progress = calibration.path("progress");
            terminal.progress("calibrating the base model: "
                    + progress.path("stage").asString("waiting for a worker")
                    + (progress.isObject()
                            ? " " + progress.path("done").asInt(0) + " of "
                                    + progress.path("total").asInt(0)
                            : ""));
            pause(began, "the base model is not calibrated");
        }
    }

    private void awaitMeasured(AdapterName adapter, long began) throws InterruptedException {
        while (true) {
            JsonNode version = registry.version(adapter, "latest");
            if (!version.path("evidence").isEmpty()) {
                return;
            }
            if (version.path("evidenceFailure").isObject()) {
                throw new StandaloneException(
                        adapter + " was not measured: "
                                + version.path("evidenceFailure")
                                        .path("message")
                                        .asString(""),
                        null);
            }
            pause(began, adapter + " is not measured");
        }
    }

    private static void pause(long began, String lacking) throws InterruptedException {
        if (System.nanoTime() - began > LIMIT_MILLIS * 1_000_000) {
            throw new StandaloneException(lacking + " after " + Standalone.seconds(LIMIT_MILLIS), null);
        }
        Thread.sleep(PAUSE_MILLIS);
    }
}
