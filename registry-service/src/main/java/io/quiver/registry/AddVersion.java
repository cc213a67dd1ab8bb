package io.quiver.registry;

import io.quiver.registry.RegisterAdapter.Outcome;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterUploaded;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;

/**
 * Takes down an upload whose files are kept: as a new version of its adapter, or as the one that has this content already. In the
 * caller's transaction. Thread-safe.
 */
public final class AddVersion {
    private final Adapters adapters;
    private final VersionEvidence evidence;
    private final Outbox outbox;
    private final Clock clock;

    public AddVersion(Adapters adapters, VersionEvidence evidence, Outbox outbox, Clock clock) {
        this.adapters = adapters;
        this.evidence = evidence;
        this.outbox = outbox;
        this.clock = clock;
    }

    /** @throws RegistryException if the adapter has this content on another base model */
    Outcome add(AdapterName adapter, AdapterUpload upload, BaseModel base) {
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
