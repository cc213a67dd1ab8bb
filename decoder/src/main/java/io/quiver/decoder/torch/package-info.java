/** The decoder on libtorch: its forward pass as TorchScript text, and the pools of experts that the text works on. */
@NullMarked
package io.quiver.decoder.torch;

import org.jspecify.annotations.NullMarked;
