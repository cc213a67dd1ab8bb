/** Measures how well strategies answer questions whose answers are known: over the router's public API, with no view into it. */
@NullMarked
package io.quiver.cli.eval;

import org.jspecify.annotations.NullMarked;
