/** Shows what the router expects of each expert of a library that is routed by evidence. */
@NullMarked
package io.quiver.cli.routability;

import org.jspecify.annotations.NullMarked;
