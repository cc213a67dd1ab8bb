/** The OpenAI-compatible surface: reading requests, writing answers, streams and errors. */
@NullMarked
package io.quiver.router.web;

import org.jspecify.annotations.NullMarked;
