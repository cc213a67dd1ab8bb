/** The base model with routed linear layers: what a router drives. Technology is one level down. */
@NullMarked
package io.quiver.decoder;

import org.jspecify.annotations.NullMarked;
