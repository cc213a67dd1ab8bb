/** Base models as Hugging Face folders: their configuration and where their weights lie. */
@NullMarked
package io.quiver.decoder.huggingface;

import org.jspecify.annotations.NullMarked;
