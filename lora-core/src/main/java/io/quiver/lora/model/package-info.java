/** Base models as Hugging Face folders: which linear modules there are, and their shapes. */
@NullMarked
package io.quiver.lora.model;

import org.jspecify.annotations.NullMarked;
