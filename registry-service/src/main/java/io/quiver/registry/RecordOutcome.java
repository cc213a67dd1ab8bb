package io.quiver.registry;

import io.quiver.schemas.Digest;
import io.quiver.schemas.Event;
import io.quiver.schemas.Event.AboutVersion;
import io.quiver.schemas.Event.AdapterComputing;
import io.quiver.schemas.Event.AdapterFailed;
import io.quiver.schemas.Event.AdapterReady;
import io.quiver.schemas.Event.PrototypesComputed;
import io.quiver.schemas.Event.PrototypesFailed;
import io.quiver.schemas.Event.PrototypesStarted;
import io.quiver.schemas.EvidenceReport;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.springframework.transaction.support.TransactionOperations;

/**
 * Takes down what the workers have to say of versions. Every change of state is a compare-and-set in one transaction with the events that
 * tell of it, so the same news twice, or in another order, changes nothing more. Thread-safe.
 */
public final class RecordOutcome {
    private final Adapters adapters;
    private final BaseModels bases;
    private final ReadPrototypes readPrototypes;
    private final RecordEvidence recordEvidence;
    private final RequestEvidence requestEvidence;
    private final Outbox outbox;
    private final TransactionOperations transactions;
    private final Clock clock;

    public RecordOutcome(
            Adapters adapters,
            BaseModels bases,
            ReadPrototypes readPrototypes,
            VersionEvidence evidence,
            RequestEvidence requestEvidence,
            Outbox outbox,
            TransactionOperations transactions,
            Clock clock) {
        this.adapters = adapters;
        this.bases = bases;
        this.readPrototypes = readPrototypes;
        this.recordEvidence = new RecordEvidence(adapters, bases, evidence);
        this.requestEvidence = requestEvidence;
        this.outbox = outbox;
        this.transactions = transactions;
        this.clock = clock;
    }

    /** @throws RegistryException with {@code version_unknown} if the event is about a version that was never uploaded */
    public void on(Event event) {
        if (event instanceof PrototypesStarted started) {
            started(started);
        } else if (event instanceof PrototypesComputed computed) {
            computed(computed);
        } else if (event instanceof PrototypesFailed failed) {
            failed(failed);
        } else {
            throw new RegistryException(
                    ProblemCode.EVENT_TYPE_UNKNOWN,
                    event.getClass().getSimpleName() + " is none of the workers' events");
        }
    }

    private void started(PrototypesStarted event) {
        requireVersion(event);
        transactions.executeWithoutResult(status -> {
            adapters.lock(event.adapter(), clock.instant());
            if (adapters.startComputing(event.adapter(), event.version(), event.worker())) {
                outbox.append(new AdapterComputing(event.adapter(), event.version(), event.digest(), event.worker()));
            }
        });
    }

    /** Ready means: committed, readable back, digest checked. */
    private void computed(PrototypesComputed event) {
        AdapterVersion version = requireVersion(event);
        EvidenceReport report = event.evidence();
        if (version.canBeRoutedTo() && report == null) {
            return;
        }
        BaseModel base = bases.find(version.base().name())
                .orElseThrow(() -> new IllegalStateException("a version refers to a registered base model"));
        List<ModuleSummary> modules;
        try {
            modules = readPrototypes.read(version, event.prototypes(), report, base.modules());
        } catch (UnusablePrototypesException e) {
            failed(event, e);
            return;
        }
        transactions.executeWithoutResult(status -> {
            Instant now = clock.instant();
            adapters.lock(event.adapter(), now);
            List<Event> news = new ArrayList<>();
            if (adapters.becomeReady(
                    event.adapter(), event.version(), event.prototypes(), modules, event.worker(), now)) {
                news.add(new AdapterReady(
                        event.adapter(),
                        event.version(),
                        event.digest(),
                        version.base(),
                        event.prototypes(),
                        modules.size(),
                        now));
            }
            if (report != null) {
                recordEvidence.record(event, event.prototypes(), report, now).ifPresent(news::add);
            }
            publish(event, news);
        });
        // What became ready may lack evidence against a calibration that came while it was computed.
        requestEvidence.request();
    }

    private void publish(AboutVersion event, List<Event> news) {
        if (!news.isEmpty()) {
            news.add(adapters.snapshot(event.adapter()));
            outbox.append(news.toArray(Event[]::new));
        }
    }

    /** A version that can be routed to has lost nothing: only the evidence that it was asked for does not come. */
    private void failed(PrototypesFailed event) {
        AdapterVersion version = requireVersion(event);
        if (!version.canBeRoutedTo()) {
            Failure failure = new Failure(event.code(), event.message(), event.module(), clock.instant());
            fail(event, failure, event.worker());
        } else if (event.calibration() != null) {
            failEvidence(event, event.calibration(), event.code(), event.message());
        }
    }

    private void failed(PrototypesComputed event, UnusablePrototypesException e) {
        String message = String.valueOf(e.getMessage());
        fail(event, new Failure(e.code(), message, null, clock.instant()), event.worker());
        if (event.evidence() != null) {
            failEvidence(event, event.evidence().calibration(), e.code(), message);
        }
    }

    private void failEvidence(AboutVersion event, Digest calibration, String code, String message) {
        transactions.executeWithoutResult(status -> {
            Instant now = clock.instant();
            adapters.lock(event.adapter(), now);
            List<Event> news = new ArrayList<>();
            recordEvidence.fail(event, calibration, code, message, now).ifPresent(news::add);
            publish(event, news);
        });
    }

    private void fail(AboutVersion event, Failure failure, String worker) {
        transactions.executeWithoutResult(status -> {
            adapters.lock(event.adapter(), clock.instant());
            if (adapters.fail(event.adapter(), event.version(), failure, worker)) {
                outbox.append(new AdapterFailed(
                        event.adapter(),
                        event.version(),
                        event.digest(),
                        failure.code(),
                        failure.message(),
                        failure.module(),
                        failure.failedAt()));
            }
        });
    }

    private AdapterVersion requireVersion(AboutVersion event) {
        return adapters.find(event.adapter(), event.version())
                .filter(version -> version.digest().equals(event.digest()))
                .orElseThrow(() -> new RegistryException(
                        ProblemCode.VERSION_UNKNOWN,
                        "there is no " + event.subject() + " with digest " + event.digest()));
    }
}
