/**
 * The registry: uploads, versions, states and events of adapters and base models. The use cases and the ports stand here; HTTP,
 * PostgreSQL and Kafka one level down.
 */
@NullMarked
package io.quiver.registry;

import org.jspecify.annotations.NullMarked;
