/** The catalogue as it comes from Kafka. */
@NullMarked
package io.quiver.router.kafka;

import org.jspecify.annotations.NullMarked;
