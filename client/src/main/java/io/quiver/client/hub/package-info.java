/** Repositories of a Hugging Face hub over HTTP: which files a revision has, and how they come onto this machine whole. */
@NullMarked
package io.quiver.client.hub;

import org.jspecify.annotations.NullMarked;
