/** What commands show: colours, progress bars, tables, charts; plain lines where nobody looks at a terminal. */
@NullMarked
package io.quiver.cli.terminal;

import org.jspecify.annotations.NullMarked;
