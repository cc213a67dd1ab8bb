package io.quiver.cli.verify;

import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.EvidenceDecision;
import io.quiver.lora.evidence.PointBaseline;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.evidence.TokenInputs;
import java.util.List;
import java.util.Map;

/** A base model that reads texts alone, and what the evidence gate makes of that. */
interface BareBase {
    /**
     * What the modules of each probed point read of the tokens that count, text after text.
     *
     * @param texts // (texts) of (tokens)
     * @param first token of each text that counts
     * @throws IllegalArgumentException if the model has not such a layer
     */
    Map<ProbePoint, TokenInputs> inputs(List<int[]> texts, int first);

    /** Which expert is for a prompt. */
    EvidenceDecision decide(
            EvidenceReference.Prompt prompt, List<PointBaseline> baselines, List<AdapterEvidence> experts);
}
