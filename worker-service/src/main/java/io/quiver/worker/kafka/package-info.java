/** The worker on Kafka: uploads come in, outcomes go out. */
@NullMarked
package io.quiver.worker.kafka;

import org.jspecify.annotations.NullMarked;
