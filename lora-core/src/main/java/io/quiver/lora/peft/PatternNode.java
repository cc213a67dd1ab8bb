package io.quiver.lora.peft;

import java.util.List;
import java.util.function.IntPredicate;

/** A part of a parsed regular expression. */
sealed interface PatternNode {
    /** One character of a set. */
    record OneOf(IntPredicate characters) implements PatternNode {}

    /** One after the other; none matches the empty text. */
    record InOrder(List<PatternNode> parts) implements PatternNode {}

    /** One of several. */
    record Either(List<PatternNode> branches) implements PatternNode {}

    /** @param max −1 for no limit */
    record Repeated(PatternNode part, int min, int max) implements PatternNode {}

    /** A place in the text, without length. */
    record At(Place place) implements PatternNode {}

    /** What does or does not follow, without length. */
    record Ahead(PathPattern pattern, boolean negative) implements PatternNode {}

    enum Place {
        START,
        /** The end of the text; paths have no line breaks, before which Python's $ would match too. */
        END,
        WORD_EDGE,
        NO_WORD_EDGE
    }
}
