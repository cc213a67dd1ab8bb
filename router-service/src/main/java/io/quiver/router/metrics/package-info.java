/** What the router counts, as Micrometer meters. */
@NullMarked
package io.quiver.router.metrics;

import org.jspecify.annotations.NullMarked;
