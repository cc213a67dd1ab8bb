/** The whole of Quiver in one process: the embedded servers, the three services, and a demonstration. */
@NullMarked
package io.quiver.standalone;

import org.jspecify.annotations.NullMarked;
