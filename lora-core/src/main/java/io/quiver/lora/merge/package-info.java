/** Experts computed from several adapters: merges, and adapters without what general ones share. */
@NullMarked
package io.quiver.lora.merge;

import org.jspecify.annotations.NullMarked;
