/** Measurements of the decoder, to be run beside other programs on the same machine. */
@NullMarked
package io.quiver.benchmarks;

import org.jspecify.annotations.NullMarked;
