package io.quiver.worker;

import io.quiver.schemas.EvidenceReport;
import io.quiver.schemas.PrototypeFileRef;
import org.jspecify.annotations.Nullable;

/** What came of computing an adapter's prototypes. Either way the work is done: trying again would end the same. */
public sealed interface PrototypeOutcome {
    /**
     * The prototype file lies in the object store.
     *
     * @param moduleCount modules that have a prototype; one whose update is zero has none
     * @param elapsedMillis for this computation, or for finding that it was already done
     * @param evidence what became of the evidence that was asked for too; null if none was
     */
    record Computed(
            PrototypeFileRef file,
            int moduleCount,
            long elapsedMillis,
            @Nullable EvidenceReport evidence) implements PrototypeOutcome {
        public Computed {
            if (moduleCount < 1) {
                throw new IllegalArgumentException("a prototype file has at least one module");
            }
        }
    }

    /**
     * This content has no prototypes.
     *
     * @param message for people: what is wrong and what to do
     * @param module the module path concerned, if it is one
     */
    record Failed(
            FailureCode code, String message, @Nullable String module) implements PrototypeOutcome {}
}
