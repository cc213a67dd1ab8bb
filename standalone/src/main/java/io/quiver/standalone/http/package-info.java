/** The services over HTTP, as any client sees them. */
@NullMarked
package io.quiver.standalone.http;

import org.jspecify.annotations.NullMarked;
