package io.quiver.registry;

import io.quiver.schemas.AdapterName;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.Digest;
import java.util.Objects;
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

    private final UploadStaging staging;
    private final CheckAdapter check;
    private final AddVersion addVersion;
    private final RequestEvidence requestEvidence;
    private final TransactionOperations transactions;

    public RegisterAdapter(
            UploadStaging staging,
            CheckAdapter check,
            AddVersion addVersion,
            RequestEvidence requestEvidence,
            TransactionOperations transactions) {
        this.staging = staging;
        this.check = check;
        this.addVersion = addVersion;
        this.requestEvidence = requestEvidence;
        this.transactions = transactions;
    }

    /** @throws RegistryException with every violation if the adapter cannot be registered; then nothing of it is stored */
    public Outcome register(AdapterName adapter, UploadParts parts) {
        try (StagedFiles staged = staging.begin()) {
            AdapterUpload upload = AdapterUpload.receive(parts, staged, staging.limits());
            BaseModel base = check.check(upload).base();
            staged.keep();
            Outcome outcome =
                    Objects.requireNonNull(transactions.execute(status -> addVersion.add(adapter, upload, base)));
            if (!outcome.created() && upload.examples().isPresent()) {
                requestEvidence.request();
            }
            return outcome;
        }
    }

    /** Finds out whether the adapter could be registered, and stores nothing. Throws as {@link #register} does. */
    public DryRun validate(UploadParts parts) {
        try (StagedFiles staged = staging.beginDry()) {
            AdapterUpload upload = AdapterUpload.receive(parts, staged, staging.limits());
            CheckAdapter.Checked checked = check.check(upload);
            return new DryRun(upload.digest(), checked.base().ref(), checked.moduleCount());
        }
    }
}
