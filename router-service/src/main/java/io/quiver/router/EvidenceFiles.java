package io.quiver.router;

import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.CompareExamples;
import io.quiver.lora.evidence.ExampleCentroids;
import io.quiver.lora.evidence.PointBaseline;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.EvidenceRef;
import io.quiver.schemas.StoredFile;
import java.util.List;
import java.util.Optional;

/** Where calibrations and evidence come from, checked against their digests. Every method throws if that cannot be done. */
public interface EvidenceFiles {
    /** What requests are compared with, at every calibrated point; the small part of a calibration. */
    List<PointBaseline> baselines(CalibrationRef calibration);

    /** What example prompts are compared with. */
    List<CompareExamples.Frame> frames(CalibrationRef calibration);

    /** The example prompts that an expert was uploaded with. */
    List<String> examples(StoredFile file);

    /** The evidence of an expert. */
    Measured measured(PinnedExpert expert, EvidenceRef reference);

    /**
     * What is known of an expert beside its weights.
     *
     * @param examples if it came with example prompts
     */
    record Measured(AdapterEvidence evidence, Optional<ExampleCentroids> examples) {}
}
