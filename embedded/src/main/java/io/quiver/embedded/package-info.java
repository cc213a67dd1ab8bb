/** PostgreSQL, a Kafka broker and an S3 server that live and die with the program, on the loopback interface. */
@NullMarked
package io.quiver.embedded;

import org.jspecify.annotations.NullMarked;
