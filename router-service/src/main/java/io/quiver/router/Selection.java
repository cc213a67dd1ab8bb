package io.quiver.router;

import io.quiver.schemas.LabelSelector;
import java.util.List;

/** Which experts a request wants in its library. */
public sealed interface Selection {
    /** Those that it names, in this order. */
    record Named(List<String> references) implements Selection {
        public Named {
            references = List.copyOf(references);
        }
    }

    /** Those with these labels. */
    record Labelled(LabelSelector selector) implements Selection {}

    /** All on the base model. */
    record All() implements Selection {}
}
