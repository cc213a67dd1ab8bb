/** What programs show to people: colours, progress bars, tables, charts; plain lines where nobody looks at a terminal. */
@NullMarked
package io.quiver.terminal;

import org.jspecify.annotations.NullMarked;
