package io.quiver.cli;

import io.quiver.client.LifecycleEvent;
import io.quiver.client.LifecycleEvent.VersionId;
import io.quiver.client.Reconnecting;
import io.quiver.client.RegistryClient;
import io.quiver.client.RegistryClient.EventQuery;
import io.quiver.schemas.AdapterName;
import io.quiver.terminal.Quantities;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Shows the moves of uploaded versions until each is READY or FAILED. Used once. */
final class VersionFollower {
    /** At 5 s at most between attempts, this gives a restarting registry more than a minute. */
    private static final int RECONNECTS_MAX = 20;

    private final RegistryClient registry;
    private final Surroundings surroundings;
    private final Set<VersionId> pending = new HashSet<>();
    private final List<VersionId> ready = new ArrayList<>();
    private boolean allReady = true;

    VersionFollower(RegistryClient registry, Surroundings surroundings) {
        this.registry = registry;
        this.surroundings = surroundings;
    }

    /** Follows from the beginning of the stream, so that no outcome is missed; returns whether all became ready. */
    boolean follow(List<VersionId> versions) {
        pending.addAll(versions);
        Set<AdapterName> adapters = new HashSet<>();
        versions.forEach(version -> adapters.add(version.adapter()));
        Optional<AdapterName> only =
                adapters.size() == 1 ? Optional.of(versions.get(0).adapter()) : Optional.empty();
        long startNanos = surroundings.nanoTime().getAsLong();
        Terminal terminal = surroundings.terminal();
        registry.follow(
                EventQuery.after(0, List.of("AdapterComputing", "AdapterReady", "AdapterFailed"), only),
                event -> on(event, startNanos),
                new Reconnecting(RECONNECTS_MAX, line -> terminal.err().println(line)));
        return allReady && pending.isEmpty();
    }

    /** Those that became ready, in the order in which they did. */
    List<VersionId> ready() {
        return List.copyOf(ready);
    }

    private boolean on(LifecycleEvent event, long startNanos) {
        Optional<VersionId> version = event.version().filter(pending::contains);
        if (version.isEmpty()) {
            return true;
        }
        Terminal terminal = surroundings.terminal();
        String name = terminal.paint(Style.BOLD, version.get().toString());
        String after =
                Quantities.duration(Duration.ofNanos(surroundings.nanoTime().getAsLong() - startNanos));
        switch (event.type()) {
            case "AdapterComputing" ->
                terminal.out()
                        .println(name + "  " + terminal.paint(Style.YELLOW, "COMPUTING") + "  by "
                                + event.data().path("worker").asString("a worker"));
            case "AdapterReady" -> {
                terminal.out()
                        .println(name + "  " + terminal.paint(Style.GREEN, "READY") + "  "
                                + event.data().path("moduleCount").asString("?") + " modules, after " + after);
                ready.add(version.get());
                pending.remove(version.get());
            }
            case "AdapterFailed" -> {
                String module = event.data().path("module").asString("");
                terminal.err()
                        .println(name + "  " + terminal.paint(Style.RED, "FAILED") + "  "
                                + event.data().path("code").asString("unknown") + ": "
                                + event.data().path("message").asString("")
                                + (module.isEmpty() ? "" : "  " + terminal.paint(Style.DIM, module)));
                allReady = false;
                pending.remove(version.get());
            }
            default -> {
                // Other events are not asked for.
            }
        }
        return !pending.isEmpty();
    }
}
