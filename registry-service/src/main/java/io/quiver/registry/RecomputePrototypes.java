package io.quiver.registry;

import io.quiver.schemas.AdapterName;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Event.AdapterUploaded;
import java.time.Clock;
import java.util.Objects;
import java.util.Optional;
import org.springframework.transaction.support.TransactionOperations;

/**
 * Sends a version that is not ready to the workers again, as if it had just been uploaded; one that is ready, if its evidence
 * failed. Thread-safe.
 */
public final class RecomputePrototypes {
    private final Adapters adapters;
    private final BaseModels bases;
    private final VersionEvidence evidence;
    private final RequestEvidence requestEvidence;
    private final Outbox outbox;
    private final TransactionOperations transactions;
    private final Clock clock;

    public RecomputePrototypes(
            Adapters adapters,
            BaseModels bases,
            VersionEvidence evidence,
            RequestEvidence requestEvidence,
            Outbox outbox,
            TransactionOperations transactions,
            Clock clock) {
        this.adapters = adapters;
        this.bases = bases;
        this.evidence = evidence;
        this.requestEvidence = requestEvidence;
        this.outbox = outbox;
        this.transactions = transactions;
        this.clock = clock;
    }

    /**
     * Returns the version as it stands afterwards.
     *
     * @throws RegistryException if it is not there, or was ready and its evidence has not failed
     */
    public AdapterVersion recompute(AdapterName adapter, int version) {
        AdapterVersion before = find(adapter, version);
        if (before.canBeRoutedTo() && before.evidenceFailure() != null) {
            transactions.executeWithoutResult(status -> evidence.forgetFailure(adapter, version));
            requestEvidence.request();
            return find(adapter, version);
        }
        BaseModel base = bases.find(before.base().name())
                .orElseThrow(() -> new IllegalStateException("a version refers to a registered base model"));
        Optional<CalibrationRef> calibration = base.calibration().serving();
        return Objects.requireNonNull(transactions.execute(status -> {
            adapters.lock(adapter, clock.instant());
            if (!adapters.restart(adapter, version)) {
                throw new RegistryException(
                        ProblemCode.VERSION_IS_READY, adapter + ":" + version + " has its prototypes already");
            }
            calibration.ifPresent(file -> evidence.ask(adapter, version, file));
            AdapterVersion restarted = find(adapter, version);
            outbox.append(new AdapterUploaded(
                    adapter,
                    version,
                    restarted.digest(),
                    restarted.base(),
                    restarted.files(),
                    restarted.uploadedAt(),
                    calibration.orElse(null),
                    restarted.examples(),
                    calibration.isPresent() && restarted.examples() != null ? base.files() : null));
            return restarted;
        }));
    }

    private AdapterVersion find(AdapterName adapter, int version) {
        return adapters.find(adapter, version)
                .orElseThrow(() ->
                        new RegistryException(ProblemCode.VERSION_UNKNOWN, adapter + " has no version " + version));
    }
}
