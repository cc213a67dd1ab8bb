package io.quiver.registry;

import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterUploaded;
import java.time.Clock;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.springframework.transaction.support.TransactionOperations;

/**
 * Takes in a version of an adapter: streams its files into the object store, holds them against the base model, and commits
 * version, files and event in one transaction. The same content twice is one version, however many upload it at once.
 * Thread-safe.
 */
public final class RegisterAdapter {
    /**
     * The version that holds the content.
     *
     * @param created false if the adapter already had it
     */
    public record Outcome(AdapterVersion version, boolean created) {}

    /** What an upload would lead to. */
    public record DryRun(Digest digest, BaseModelRef base, int moduleCount) {}

    private final ObjectStore store;
    private final CheckAdapter check;
    private final Adapters adapters;
    private final VersionEvidence evidence;
    private final RequestEvidence requestEvidence;
    private final Outbox outbox;
    private final TransactionOperations transactions;
    private final UploadLimits limits;
    private final Clock clock;
    private final Supplier<UUID> ids;

    public RegisterAdapter(
            ObjectStore store,
            CheckAdapter check,
            Adapters adapters,
            VersionEvidence evidence,
            RequestEvidence requestEvidence,
            Outbox outbox,
            TransactionOperations transactions,
            UploadLimits limits,
            Clock clock,
            Supplier<UUID> ids) {
        this.store = store;
        this.check = check;
        this.adapters = adapters;
        this.evidence = evidence;
        this.requestEvidence = requestEvidence;
        this.outbox = outbox;
        this.transactions = transactions;
        this.limits = limits;
        this.clock = clock;
        this.ids = ids;
    }

    /** @throws RegistryException with every violation if the adapter cannot be registered; then nothing of it is stored */
    public Outcome register(AdapterName adapter, UploadParts parts) {
        try (StagedFiles staged = StagedFiles.in(store, ids.get())) {
            AdapterUpload upload = AdapterUpload.receive(parts, staged, limits);
            BaseModel base = check.check(upload).base();
            staged.keep();
            Outcome outcome = Objects.requireNonNull(transactions.execute(status -> commit(adapter, upload, base)));
            if (!outcome.created() && upload.examples().isPresent()) {
                requestEvidence.request();
            }
            return outcome;
        }
    }

    /** Finds out whether the adapter could be registered, and stores nothing. Throws as {@link #register} does. */
    public DryRun validate(UploadParts parts) {
        try (StagedFiles staged = StagedFiles.nowhere(store)) {
            AdapterUpload upload = AdapterUpload.receive(parts, staged, limits);
            CheckAdapter.Checked checked = check.check(upload);
            return new DryRun(upload.digest(), checked.base().ref(), checked.moduleCount());
        }
    }

    private Outcome commit(AdapterName adapter, AdapterUpload upload, BaseModel base) {
        Instant now = clock.instant();
        Digest digest = upload.digest();
        adapters.lock(adapter, now);
        boolean relabelled =
                upload.labels().map(labels -> adapters.label(adapter, labels)).orElse(false);
        Optional<AdapterVersion> existing = adapters.find(adapter, digest);
        if (existing.isPresent()) {
            int version = existing.get().version();
            requireSameBase(existing.get(), base.ref());
            boolean exemplified = upload.examples()
                    .map(examples -> evidence.exemplify(adapter, version, examples))
                    .orElse(false);
            if (relabelled || exemplified) {
                outbox.append(adapters.snapshot(adapter));
            }
            return new Outcome(adapters.find(adapter, version).orElseThrow(), false);
        }
        Optional<CalibrationRef> calibration = base.calibration().serving();
        int version = adapters.add(adapter, digest, base.ref(), upload.files(), now);
        upload.examples().ifPresent(examples -> evidence.exemplify(adapter, version, examples));
        calibration.ifPresent(file -> evidence.ask(adapter, version, file));
        AdapterUploaded uploaded = new AdapterUploaded(
                adapter,
                version,
                digest,
                base.ref(),
                upload.files(),
                now,
                calibration.orElse(null),
                upload.examples().orElse(null),
                calibration.isPresent() && upload.examples().isPresent() ? base.files() : null);
        if (relabelled) {
            outbox.append(uploaded, adapters.snapshot(adapter));
        } else {
            outbox.append(uploaded);
        }
        return new Outcome(adapters.find(adapter, version).orElseThrow(), true);
    }

    private static void requireSameBase(AdapterVersion existing, BaseModelRef base) {
        if (!existing.base().equals(base)) {
            throw new RegistryException(
                    ProblemCode.BASE_MODEL_CONFLICT,
                    existing.adapter() + ":" + existing.version() + " is this content on base model "
                            + existing.base().name() + "; register it for " + base.name() + " under another name");
        }
    }
}
