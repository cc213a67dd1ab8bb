/** The registry over HTTP: problem+json, multipart uploads, server-sent events. */
@NullMarked
package io.quiver.registry.web;

import org.jspecify.annotations.NullMarked;
