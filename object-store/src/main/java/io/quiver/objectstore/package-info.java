/** The port to the object store: where files of adapters and base models, and prototype files, lie. */
@NullMarked
package io.quiver.objectstore;

import org.jspecify.annotations.NullMarked;
