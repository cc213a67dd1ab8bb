package io.quiver.cli;

import io.quiver.cli.routability.RoutabilityReport;
import io.quiver.cli.routability.RoutabilityTables;
import io.quiver.client.Pause;
import io.quiver.client.RefusedException;
import io.quiver.client.RetryWhenAsked;
import io.quiver.client.RouterClient;
import io.quiver.client.RouterClient.RoutabilityQuery;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Shows what is to be expected of each expert of a library before anybody asks it. */
@Command(
        name = "report",
        description = {
            "Report which experts of a library evidence can tell apart: confusable ones, those that never fire, those that fire on"
                    + " everything.",
            "It counts who is chosen for the example prompts that adapters were pushed with (examples.jsonl); of those without, only"
                    + " what they make of generic requests is known."
        },
        footer = {
            "",
            "Ends with 1 if there is something to do about an expert.",
            "",
            "Examples:",
            "  quiver report",
            "  quiver report --library team/sql,team/dates",
            "  quiver report --library team=support --examples 32 --json"
        })
final class Report implements Callable<Integer> {
    private static final int ATTEMPTS_MAX = 20;

    @Mixin
    private Servers servers = new Servers();

    @Mixin
    private LibraryOptions experts = new LibraryOptions();

    @Option(
            names = "--examples",
            paramLabel = "N",
            description = "how many examples of each expert are read, 1 to 64; default 16")
    private @Nullable Integer examples;

    @Option(names = "--json", description = "write the router's answer as it is, for programs")
    private boolean json;

    private final Surroundings surroundings;
    private final Pause pause;

    Report(Surroundings surroundings, Pause pause) {
        this.surroundings = surroundings;
        this.pause = pause;
    }

    @Override
    public Integer call() throws InterruptedException {
        RouterClient router = servers.router(surroundings.environment());
        RetryWhenAsked retry = new RetryWhenAsked(ATTEMPTS_MAX, pause, surroundings.nanoTime());
        surroundings.terminal().aside().progress("reading examples");
        JsonNode answer;
        try {
            answer = retry.call(
                    () -> router.routability(new RoutabilityQuery(experts.model(), experts.library(), examples)));
        } catch (RefusedException e) {
            surroundings.terminal().aside().progress("");
            Refusals.print(surroundings.terminal(), "no report", e);
            NotCalibrated.hint(surroundings.terminal(), e);
            return ExitStatus.REFUSED;
        }
        surroundings.terminal().aside().progress("");
        RoutabilityReport report = RoutabilityReport.of(answer);
        if (json) {
            surroundings
                    .terminal()
                    .out()
                    .println(
                            JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(answer));
        } else {
            new RoutabilityTables(surroundings.terminal(), report).print();
        }
        return report.hasFindings() ? ExitStatus.REFUSED : ExitStatus.DONE;
    }
}
