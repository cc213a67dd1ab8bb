/** What the router needs to know of its web server beyond servlets. */
@NullMarked
package io.quiver.router.tomcat;

import org.jspecify.annotations.NullMarked;
