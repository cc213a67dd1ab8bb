/** Arrow: prototypes of experts, their file, and the gate, written plainly as the reference that faster code is held to. */
@NullMarked
package io.quiver.lora.arrow;

import org.jspecify.annotations.NullMarked;
