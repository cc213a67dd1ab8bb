/** Assembles a library of experts per request and answers completions. Technology is one level down. */
@NullMarked
package io.quiver.router;

import org.jspecify.annotations.NullMarked;
