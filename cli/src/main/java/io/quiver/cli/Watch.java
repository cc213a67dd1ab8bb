package io.quiver.cli;

import io.quiver.client.LifecycleEvent;
import io.quiver.client.Reconnecting;
import io.quiver.client.RegistryClient.EventQuery;
import io.quiver.schemas.AdapterName;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** Shows lifecycle events as they come. */
@Command(
        name = "watch",
        description = "Show what happens to adapters and base models as it happens, until Ctrl-C.",
        footer = {
            "",
            "Examples:",
            "  quiver watch",
            "  quiver watch --from 0                 # everything since the beginning, then go on",
            "  quiver watch --type AdapterReady --adapter team/sql --count 1"
        })
final class Watch implements Callable<Integer> {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSS");

    @Mixin
    private Servers servers = new Servers();

    @Option(names = "--type", split = ",", paramLabel = "TYPE", description = "only these, such as AdapterReady")
    private List<String> types = List.of();

    @Option(names = "--adapter", paramLabel = "NS/NAME", description = "only events about this adapter")
    private @Nullable String adapter;

    @Option(names = "--from", paramLabel = "N", description = "begin after event N; 0 shows all; default: from here on")
    private @Nullable Long from;

    @Option(names = "--count", paramLabel = "N", description = "stop after N events")
    private long count = Long.MAX_VALUE;

    private final Surroundings surroundings;
    private long shown;

    Watch(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() {
        Optional<AdapterName> only = Optional.ofNullable(adapter).map(AdapterNaming::parse);
        Terminal terminal = surroundings.terminal();
        servers.registry(surroundings.environment())
                .follow(
                        new EventQuery(types, only, from == null ? "" : from.toString()),
                        event -> {
                            terminal.out()
                                    .println(line(
                                            terminal,
                                            event,
                                            surroundings.clock().getZone()));
                            shown++;
                            return shown < count;
                        },
                        new Reconnecting(
                                Integer.MAX_VALUE, line -> terminal.err().println(terminal.paint(Style.DIM, line))));
        return ExitStatus.DONE;
    }

    static String line(Terminal terminal, LifecycleEvent event, ZoneId zone) {
        String time = event.time() == null ? "" : TIME.format(event.time().atZone(zone));
        String subject = event.version().map(Object::toString).orElse(event.subject());
        return terminal.paint(Style.DIM, String.format("%6s  %s", event.id(), time)) + "  "
                + terminal.paint(style(event.type()), String.format("%-19s", event.type())) + "  "
                + terminal.paint(Style.BOLD, subject) + details(event.data());
    }

    private static Style style(String type) {
        if (type.endsWith("Ready") || type.endsWith("Registered") || type.endsWith("Calibrated")) {
            return Style.GREEN;
        }
        if (type.endsWith("Failed")) {
            return Style.RED;
        }
        return type.endsWith("Computing") || type.endsWith("Calibrating") ? Style.YELLOW : Style.BLUE;
    }

    /** What is worth reading of the data, whatever the type. */
    private static String details(JsonNode data) {
        StringBuilder details = new StringBuilder();
        String base = data.path("base").path("name").asString("");
        if (!base.isEmpty() && data.has("adapter")) {
            details.append("  base ").append(base);
        }
        if (data.has("stage")) {
            details.append("  ").append(data.path("stage").asString("")).append(' ');
            details.append(data.path("done").asInt(0))
                    .append('/')
                    .append(data.path("total").asInt(0));
        }
        append(details, data, "elapsedMillis", " ms", true);
        append(details, data, "moduleCount", " modules", true);
        append(details, data, "worker", "by ", false);
        append(details, data, "code", "", false);
        append(details, data, "message", "", false);
        append(details, data, "module", "at ", false);
        return details.toString();
    }

    private static void append(StringBuilder details, JsonNode data, String field, String word, boolean after) {
        String value = data.path(field).asString("");
        if (!value.isEmpty()) {
            details.append("  ").append(after ? value + word : word + value);
        }
    }
}
