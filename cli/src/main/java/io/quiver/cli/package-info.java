/** A person's commands. The clients of the services are in {@code http}, what a terminal shows in {@code terminal}, the check against references in {@code verify}. */
@NullMarked
package io.quiver.cli;

import org.jspecify.annotations.NullMarked;
