package io.quiver.lora.evidence;

/**
 * What one expert's evidence on one request comes to.
 *
 * @param evidence q of each token: the mean of z over the expert's points // (tokens)
 * @param memories R per γ, in the order of {@link AdapterEvidence#memories()} // (gammas)
 * @param score mean over γ of (R − c)/d: the highest is chosen
 * @param standOut what the unusualness of the request does not explain: says whether any expert fits
 */
public record EvidenceReading(double[] evidence, double[] memories, double score, double standOut) {}
