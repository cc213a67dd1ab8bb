package io.quiver.registry;

import io.quiver.schemas.AdapterName;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.EvidenceRef;
import io.quiver.schemas.StoredFile;
import java.util.List;

/**
 * What versions of adapters have of evidence against the calibrations of their base models, and what they were asked for last.
 * What changes one version runs under {@link Adapters#lock}.
 */
public interface VersionEvidence {
    /**
     * A version that can be routed to and lacks evidence.
     *
     * @param calibration of its base model, against which it lacks evidence
     * @param baseFiles of its base model
     */
    record Lacking(AdapterVersion version, CalibrationRef calibration, List<StoredFile> baseFiles) {
        public Lacking {
            baseFiles = List.copyOf(baseFiles);
        }
    }

    /** Replaces the examples of a version; says whether that changed anything. */
    boolean exemplify(AdapterName adapter, int version, StoredFile examples);

    /** Notes that a version's evidence was asked for, against this calibration and with the examples that it has. */
    void ask(AdapterName adapter, int version, CalibrationRef calibration);

    /**
     * Puts evidence before what a version that can be routed to has, keeps the newest against another calibration, and makes
     * its file the version's prototypes. Says whether that changed anything.
     */
    boolean add(AdapterName adapter, int version, EvidenceRef evidence);

    /** Notes why a version that can be routed to gets no evidence; says whether that changed anything. */
    boolean fail(AdapterName adapter, int version, Failure failure);

    /** Forgets that a version whose evidence failed was asked for. */
    void forgetFailure(AdapterName adapter, int version);

    /** Forgets that the versions of a base model whose evidence failed were asked for. */
    void forgetFailures(String base);

    /**
     * Finds versions that can be routed to and were not asked for their evidence: against what serves as their base model's
     * calibration, with the examples that they have. They count as asked for from here on; needs no {@link Adapters#lock}.
     */
    List<Lacking> askForLacking(int limit);
}
