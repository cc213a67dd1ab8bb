/** The registry and the router over HTTP: requests, uploads that stream, events, answers with their routing. */
@NullMarked
package io.quiver.client;

import org.jspecify.annotations.NullMarked;
