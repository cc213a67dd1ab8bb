package io.quiver.cli;

import io.quiver.cli.routability.ReportedExpert;
import io.quiver.cli.routability.RoutabilityReport;
import io.quiver.cli.routability.RoutabilityTables;
import io.quiver.client.LifecycleEvent.VersionId;
import io.quiver.client.Pause;
import io.quiver.client.RefusedException;
import io.quiver.client.RegistryClient;
import io.quiver.client.RouterClient;
import io.quiver.client.RouterClient.RoutabilityQuery;
import io.quiver.client.ServerException;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * Shows what is to be expected of versions that have just become ready, within their library. It waits some seconds for their evidence
 * and for the router to hear of it; what cannot be said is a line, never a failure: the versions are there.
 */
final class ReportAfterPush {
    private static final int ATTEMPTS_MAX = 40;
    private static final Duration BETWEEN_ATTEMPTS = Duration.ofMillis(500);
    /** Of each expert: enough for a verdict, and soon read. */
    private static final int EXAMPLES = 8;

    private final RegistryClient registry;
    private final RouterClient router;
    private final Terminal terminal;
    private final Pause pause;

    ReportAfterPush(RegistryClient registry, RouterClient router, Terminal terminal, Pause pause) {
        this.registry = registry;
        this.router = router;
        this.terminal = terminal;
        this.pause = pause;
    }

    /** @param library as {@link RoutabilityQuery} takes it */
    void show(List<VersionId> versions, String library) throws InterruptedException {
        try {
            terminal.progress("waiting for the routability report");
            List<VersionId> measured = new ArrayList<>();
            String base = "";
            for (VersionId version : versions) {
                VersionJson json = settled(version);
                if (json.hasEvidence()) {
                    measured.add(version);
                    base = json.base();
                } else {
                    note(version + " has no routability report: " + whyNot(json));
                }
            }
            if (!measured.isEmpty()) {
                show(measured, new RoutabilityQuery(base, library, EXAMPLES));
            }
        } catch (ServerException e) {
            note("no routability report: " + e.getMessage());
        }
    }

    /** A version once its evidence is there, has failed, or is not to be expected yet; or as it stands after some seconds. */
    private VersionJson settled(VersionId id) throws InterruptedException {
        for (int attempt = 1; ; attempt++) {
            VersionJson version = new VersionJson(registry.version(id.adapter(), String.valueOf(id.version())));
            if (version.hasEvidence()
                    || !version.evidenceFailure().isEmpty()
                    || attempt == ATTEMPTS_MAX
                    || !new BaseModelJson(registry.baseModel(version.base())).isCalibrated()) {
                return version;
            }
            pause.of(BETWEEN_ATTEMPTS);
        }
    }

    private String whyNot(VersionJson version) {
        if (!version.evidenceFailure().isEmpty()) {
            return version.evidenceFailure();
        }
        BaseModelJson base = new BaseModelJson(registry.baseModel(version.base()));
        return base.isCalibrated()
                ? "its evidence is not there yet; quiver report shows it later"
                : "base model " + base.name() + " is not calibrated yet (" + base.calibration()
                        + "); quiver report shows it later";
    }

    private void show(List<VersionId> versions, RoutabilityQuery query) throws InterruptedException {
        Optional<JsonNode> answer = Optional.empty();
        for (int attempt = 1; answer.isEmpty() && attempt <= ATTEMPTS_MAX; attempt++) {
            answer = ask(versions, query, attempt);
        }
        terminal.progress("");
        if (answer.isEmpty()) {
            note("no routability report: the router has not heard of it yet; quiver report shows it later");
            return;
        }
        RoutabilityReport report = RoutabilityReport.of(answer.get());
        for (VersionId version : versions) {
            report.find(version.adapter().toString(), version.version()).ifPresent(this::show);
        }
    }

    private void show(ReportedExpert expert) {
        terminal.out().println(RoutabilityTables.line(terminal, expert));
        if (!expert.advice().isEmpty()) {
            terminal.out().println("  " + expert.advice());
        }
    }

    /** Empty if the router has not heard of all versions yet. */
    private Optional<JsonNode> ask(List<VersionId> versions, RoutabilityQuery query, int attempt)
            throws InterruptedException {
        try {
            JsonNode answer = router.routability(query);
            RoutabilityReport report = RoutabilityReport.of(answer);
            if (attempt == ATTEMPTS_MAX
                    || versions.stream()
                            .allMatch(version -> report.find(version.adapter().toString(), version.version())
                                    .isPresent())) {
                return Optional.of(answer);
            }
        } catch (RefusedException e) {
            boolean soon = NotCalibrated.is(e) || e.retryAfter().isPresent();
            if (!soon || attempt == ATTEMPTS_MAX) {
                throw e;
            }
        }
        pause.of(BETWEEN_ATTEMPTS);
        return Optional.empty();
    }

    private void note(String text) {
        terminal.progress("");
        terminal.out().println(terminal.paint(Style.DIM, text));
    }
}
