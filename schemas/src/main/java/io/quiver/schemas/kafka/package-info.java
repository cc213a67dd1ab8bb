/** Events as Kafka records: CloudEvents 1.0, binary mode. */
@NullMarked
package io.quiver.schemas.kafka;

import org.jspecify.annotations.NullMarked;
