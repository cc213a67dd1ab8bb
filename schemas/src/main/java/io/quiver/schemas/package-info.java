/** The words between Quiver's services: names, digests, and the events that travel through Kafka. */
@NullMarked
package io.quiver.schemas;

import org.jspecify.annotations.NullMarked;
