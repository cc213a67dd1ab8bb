/** The safetensors format: bounded, strict reading and deterministic writing. */
@NullMarked
package io.quiver.lora.safetensors;

import org.jspecify.annotations.NullMarked;
