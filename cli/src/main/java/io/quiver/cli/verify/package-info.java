/** Runs folders of reference values through the product's own code and says how far off it is. */
@NullMarked
package io.quiver.cli.verify;

import org.jspecify.annotations.NullMarked;
