package io.quiver.registry;

import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Event.AdapterUploaded;
import java.time.Clock;
import java.util.Objects;
import org.springframework.transaction.support.TransactionOperations;

/** Sends a version that is not ready to the workers again, as if it had just been uploaded. Thread-safe. */
public final class RecomputePrototypes {
    private final Adapters adapters;
    private final Outbox outbox;
    private final TransactionOperations transactions;
    private final Clock clock;

    public RecomputePrototypes(Adapters adapters, Outbox outbox, TransactionOperations transactions, Clock clock) {
        this.adapters = adapters;
        this.outbox = outbox;
        this.transactions = transactions;
        this.clock = clock;
    }

    /**
     * Returns the version as it stands afterwards.
     *
     * @throws RegistryException if it is not there, or was ready
     */
    public AdapterVersion recompute(AdapterName adapter, int version) {
        AdapterVersion before = find(adapter, version);
        return Objects.requireNonNull(transactions.execute(status -> {
            adapters.lock(adapter, clock.instant());
            if (!adapters.restart(adapter, version)) {
                throw new RegistryException(
                        ProblemCode.VERSION_IS_READY, adapter + ":" + version + " has its prototypes already");
            }
            outbox.append(new AdapterUploaded(
                    adapter, version, before.digest(), before.base(), before.files(), before.uploadedAt(), null, null));
            return find(adapter, version);
        }));
    }

    private AdapterVersion find(AdapterName adapter, int version) {
        return adapters.find(adapter, version)
                .orElseThrow(() ->
                        new RegistryException(ProblemCode.VERSION_UNKNOWN, adapter + " has no version " + version));
    }
}
