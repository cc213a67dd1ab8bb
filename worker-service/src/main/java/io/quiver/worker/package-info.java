/** The worker: computes the prototypes of every adapter that is uploaded. Owns no database; doing it twice gives the same bytes. */
@NullMarked
package io.quiver.worker;

import org.jspecify.annotations.NullMarked;
