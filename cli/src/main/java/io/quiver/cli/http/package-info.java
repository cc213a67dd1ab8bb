/** The registry and the router as their clients see them: requests, uploads that stream, server-sent events. */
@NullMarked
package io.quiver.cli.http;

import org.jspecify.annotations.NullMarked;
