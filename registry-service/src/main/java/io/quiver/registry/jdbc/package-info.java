/** The registry's state in PostgreSQL. */
@NullMarked
package io.quiver.registry.jdbc;

import org.jspecify.annotations.NullMarked;
