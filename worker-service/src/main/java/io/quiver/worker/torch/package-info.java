/** Base models on libtorch. */
@NullMarked
package io.quiver.worker.torch;

import org.jspecify.annotations.NullMarked;
