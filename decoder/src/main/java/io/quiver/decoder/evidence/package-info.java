/** What the evidence gate needs of a base model once: requests as it imagines them, and what its linear modules read for them. */
@NullMarked
package io.quiver.decoder.evidence;

import org.jspecify.annotations.NullMarked;
