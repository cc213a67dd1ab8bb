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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Shows what is to be expected of versions that have just become ready, or have new examples, within their library. It waits some
 * seconds for their evidence and for the router to hear of it; what cannot be said is a line, never a failure: the versions are there.
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

    /**
     * Shows a line for each version.
     *
     * @param examples how many each was pushed with
     * @param library as {@link RoutabilityQuery} takes it
     */
    void show(Map<VersionId, Integer> examples, String library) throws InterruptedException {
        if (examples.isEmpty()) {
            return;
        }
        try {
            terminal.progress("waiting for the routability report");
            Map<String, Map<VersionId, Integer>> measured = new LinkedHashMap<>(); // by base model
            Map<String, List<VersionId>> unmeasured = new LinkedHashMap<>(); // by reason
            for (Map.Entry<VersionId, Integer> pushed : examples.entrySet()) {
                VersionJson version = settled(pushed.getKey(), pushed.getValue());
                if (version.hasEvidence()) {
                    measured.computeIfAbsent(version.base(), base -> new LinkedHashMap<>())
                            .put(pushed.getKey(), pushed.getValue());
                } else {
                    unmeasured
                            .computeIfAbsent(whyNot(version), reason -> new ArrayList<>())
                            .add(pushed.getKey());
                }
            }
            unmeasured.forEach(
                    (reason, versions) -> note("no routability report on " + joined(versions) + ": " + reason));
            for (Map.Entry<String, Map<VersionId, Integer>> onBase : measured.entrySet()) {
                show(onBase.getValue(), new RoutabilityQuery(onBase.getKey(), library, EXAMPLES));
            }
        } catch (ServerException e) {
            note("no routability report: " + e.getMessage());
        }
    }

    private static String joined(List<VersionId> versions) {
        return versions.stream().map(VersionId::toString).collect(Collectors.joining(", "));
    }

    /** A version once its evidence is there, has failed, or is not to be expected yet; or as it stands after some seconds. */
    private VersionJson settled(VersionId id, int examples) throws InterruptedException {
        for (int attempt = 1; ; attempt++) {
            VersionJson version = new VersionJson(registry.version(id.adapter(), String.valueOf(id.version())));
            boolean measured = version.hasEvidence() && version.exampleCount() == examples;
            if (measured
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

    private void show(Map<VersionId, Integer> examples, RoutabilityQuery query) throws InterruptedException {
        Optional<RoutabilityReport> answer = Optional.empty();
        for (int attempt = 1; answer.isEmpty(); attempt++) {
            answer = ask(examples, query, attempt == ATTEMPTS_MAX);
        }
        terminal.progress("");
        RoutabilityReport report = answer.get();
        for (VersionId version : examples.keySet()) {
            Optional<ReportedExpert> expert = find(report, version);
            if (expert.isPresent()) {
                show(version, expert.get(), report.sharpened());
            } else {
                note("no routability report on " + version
                        + ": it is not in that library, or the router has not heard of it yet");
            }
        }
    }

    private void show(VersionId version, ReportedExpert expert, boolean sharpened) {
        String name = is(expert, version) ? "" : version + " = ";
        terminal.out().println(name + RoutabilityTables.line(terminal, expert));
        String advice = expert.advice(sharpened);
        if (!advice.isEmpty()) {
            terminal.out().println("  " + advice);
        }
    }

    private static Optional<ReportedExpert> find(RoutabilityReport report, VersionId version) {
        return report.find(version.adapter().toString(), version.version());
    }

    private static boolean is(ReportedExpert expert, VersionId version) {
        return expert.is(version.adapter().toString(), version.version());
    }

    /** Empty if the router has not heard of all that was pushed. */
    private Optional<RoutabilityReport> ask(Map<VersionId, Integer> examples, RoutabilityQuery query, boolean last)
            throws InterruptedException {
        try {
            RoutabilityReport report = RoutabilityReport.of(router.routability(query));
            boolean heard = examples.entrySet().stream()
                    .allMatch(pushed -> find(report, pushed.getKey())
                            .filter(expert -> !is(expert, pushed.getKey()) || expert.uploaded() == pushed.getValue())
                            .isPresent());
            if (heard || last) {
                return Optional.of(report);
            }
        } catch (RefusedException e) {
            boolean soon = NotCalibrated.is(e) || e.retryAfter().isPresent();
            if (!soon || last) {
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
