/** Text to tokens and back: the tokenizer of a model folder and its chat template. */
@NullMarked
package io.quiver.decoder.text;

import org.jspecify.annotations.NullMarked;
