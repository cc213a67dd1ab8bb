package io.quiver.router;

import io.quiver.lora.evidence.EvidenceDecision;
import java.util.List;

/**
 * Who answers one text, and why. Experts are numbered as in the plan.
 *
 * @param firstToken of the prompt that brings evidence
 * @param chosen whoever answers, best first; nobody if the base does
 * @param weights constant coefficients // (chosen)
 * @param tokens evidence of every token of the prompt; empty unless asked for // (experts) of (tokens)
 */
public record EvidenceChoice(
        EvidenceDecision decision, int firstToken, List<Integer> chosen, List<Double> weights, List<double[]> tokens) {
    public EvidenceChoice {
        chosen = List.copyOf(chosen);
        weights = List.copyOf(weights);
        tokens = List.copyOf(tokens);
        if (chosen.size() != weights.size()) {
            throw new IllegalArgumentException(chosen.size() + " experts but " + weights.size() + " weights");
        }
    }
}
