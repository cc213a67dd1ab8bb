/** Gates beside Arrow, written plainly: from a module's input to scores, and from scores to coefficients. */
@NullMarked
package io.quiver.lora.gate;

import org.jspecify.annotations.NullMarked;
