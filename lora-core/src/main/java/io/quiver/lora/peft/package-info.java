/** Adapters as PEFT saves them: configuration, which modules they adapt, validation against a base model. */
@NullMarked
package io.quiver.lora.peft;

import org.jspecify.annotations.NullMarked;
