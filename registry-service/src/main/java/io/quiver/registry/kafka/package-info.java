/** The registry on Kafka: what the workers say comes in, the outbox goes out. */
@NullMarked
package io.quiver.registry.kafka;

import org.jspecify.annotations.NullMarked;
