/** Judges, before anybody asks, which experts of a library evidence can tell apart: from stored values and from example prompts. */
@NullMarked
package io.quiver.lora.routability;

import org.jspecify.annotations.NullMarked;
