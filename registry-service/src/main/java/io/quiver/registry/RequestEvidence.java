package io.quiver.registry;

import io.quiver.schemas.CalibrationEvent.AdapterCalibrationRequested;
import java.time.Clock;
import java.util.List;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.transaction.support.TransactionOperations;

/**
 * Asks the workers for the evidence of versions that are ready and lack it against what serves as their base model's
 * calibration, or against their newest examples. Each is asked for once, remembered in the transaction that asks; so it does
 * not matter who notices, how often, and whether somebody dies in between. Thread-safe.
 */
public final class RequestEvidence {
    private static final Logger LOG = LoggerFactory.getLogger(RequestEvidence.class);
    private static final int PAGE = 100;

    private final VersionEvidence evidence;
    private final Outbox outbox;
    private final TransactionOperations transactions;
    private final Clock clock;

    public RequestEvidence(VersionEvidence evidence, Outbox outbox, TransactionOperations transactions, Clock clock) {
        this.evidence = evidence;
        this.outbox = outbox;
        this.transactions = transactions;
        this.clock = clock;
    }

    /** Asks for all that is lacking and was not asked for; returns for how many versions. */
    public int request() {
        int all = 0;
        int asked;
        do {
            asked = Objects.requireNonNull(transactions.execute(status -> requestPage()));
            all += asked;
        } while (asked > 0);
        if (all > 0) {
            LOG.info("asked for the evidence of {} versions", all);
        }
        return all;
    }

    private int requestPage() {
        List<VersionEvidence.Lacking> page = evidence.askForLacking(PAGE);
        if (!page.isEmpty()) {
            outbox.append(page.stream().map(this::request).toArray(AdapterCalibrationRequested[]::new));
        }
        return page.size();
    }

    private AdapterCalibrationRequested request(VersionEvidence.Lacking lacking) {
        AdapterVersion version = lacking.version();
        return new AdapterCalibrationRequested(
                version.adapter(),
                version.version(),
                version.digest(),
                version.base(),
                version.files(),
                lacking.calibration(),
                version.examples(),
                version.examples() == null ? null : lacking.baseFiles(),
                clock.instant());
    }
}
