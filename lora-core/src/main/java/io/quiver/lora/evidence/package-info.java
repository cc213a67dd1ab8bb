/**
 * The evidence gate: chooses an expert for a whole request by how far its update's response to the prompt stands out from its
 * response to generic requests. Calibration of a base model and of adapters, the decision, and their files; in double precision.
 */
@NullMarked
package io.quiver.lora.evidence;

import org.jspecify.annotations.NullMarked;
