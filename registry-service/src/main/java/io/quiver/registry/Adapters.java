package io.quiver.registry;

import io.quiver.schemas.AdapterName;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterCatalogued;
import io.quiver.schemas.LabelSelector;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.StoredFile;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The adapters and their versions. What changes something runs in a transaction that has called {@link #lock} first; changes
 * of state are compare-and-set and say whether they took place.
 */
public interface Adapters {
    /** Locks the adapter until the end of the transaction, making it if it is not there. */
    void lock(AdapterName adapter, Instant now);

    /** Adds a version in state UPLOADED and returns its number, one more than the last. */
    int add(AdapterName adapter, Digest digest, BaseModelRef base, List<StoredFile> files, Instant uploadedAt);

    /** Replaces the labels; says whether that changed anything. */
    boolean label(AdapterName adapter, Map<String, String> labels);

    /** UPLOADED → COMPUTING. */
    boolean startComputing(AdapterName adapter, int version, String worker);

    /**
     * UPLOADED, COMPUTING, FAILED → READY: a prototype file that was read back and found right is worth more than any report
     * of failure, in whatever order the two come.
     */
    boolean becomeReady(
            AdapterName adapter,
            int version,
            PrototypeFileRef prototypes,
            List<ModuleSummary> modules,
            String worker,
            Instant readyAt);

    /** UPLOADED, COMPUTING → FAILED. */
    boolean fail(AdapterName adapter, int version, Failure failure, String worker);

    /** UPLOADED, COMPUTING, FAILED → UPLOADED, as after the upload. */
    boolean restart(AdapterName adapter, int version);

    Optional<Adapter> find(AdapterName adapter);

    /** Adapters with all labels of the selector, in the order of their names, from behind {@code after}. */
    List<Adapter> search(LabelSelector selector, Optional<AdapterName> after, int limit);

    Optional<AdapterVersion> find(AdapterName adapter, int version);

    Optional<AdapterVersion> find(AdapterName adapter, Digest digest);

    /** The newest version that is READY. */
    Optional<AdapterVersion> findLatest(AdapterName adapter);

    /** Versions with numbers below {@code before}, newest first. */
    List<AdapterVersion> versions(AdapterName adapter, int before, int limit);

    /** The prototypes of a version, module by module; empty before it is READY. */
    List<ModuleSummary> modules(AdapterName adapter, int version);

    /** Everything a router must know of the adapter, within this transaction. */
    AdapterCatalogued snapshot(AdapterName adapter);
}
