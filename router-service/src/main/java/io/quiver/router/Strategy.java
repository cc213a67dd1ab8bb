package io.quiver.router;

import io.quiver.lora.merge.MergeMethod;
import java.util.Locale;
import java.util.Optional;

/** How the coefficients of a library's experts come about. */
public enum Strategy {
    /** Once per text, by how loud the experts are on what the bare base reads. */
    EVIDENCE(Kind.CHOICE),
    /** Per token and module, by the prototypes. */
    ARROW(Kind.GATE),
    /** One expert, always. */
    SINGLE(Kind.CONSTANT),
    /** No expert: the base model alone. */
    BASE(Kind.NOTHING),
    /** Every expert with the same weight, always. */
    UNIFORM(Kind.CONSTANT),
    /** Every expert with the weight that the request gives it, always. */
    WEIGHTED(Kind.CONSTANT),
    /** Per token and module, by how much an expert would change the output. */
    SPECTR(Kind.GATE),
    /** SpectR among those that Arrow finds. */
    LAG(Kind.GATE),
    /** Per token and module, by the gate vectors that the adapters bring. */
    PHATGOOSE(Kind.GATE),
    /** One expert, merged from all: A and B added up. */
    LINEAR(Kind.MERGE),
    /** Every expert with its weight, always: what PEFT makes of factors that stand side by side. */
    CAT(Kind.CONSTANT),
    /** One expert, merged from all: the largest entries that agree in sign. */
    TIES(Kind.MERGE),
    /** One expert, merged from all: random entries, added up. */
    DARE_LINEAR(Kind.MERGE),
    /** One expert, merged from all: random entries that agree in sign. */
    DARE_TIES(Kind.MERGE),
    /** One expert, merged from all: the largest entries, added up. */
    MAGNITUDE_PRUNE(Kind.MERGE);

    private enum Kind {
        NOTHING,
        CONSTANT,
        CHOICE,
        GATE,
        MERGE
    }

    private final Kind kind;

    Strategy(Kind kind) {
        this.kind = kind;
    }

    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether every token and module decides anew. */
    public boolean isGate() {
        return kind == Kind.GATE;
    }

    /** Whether experts are chosen out of the library, so that it can do with fewer. */
    public boolean chooses() {
        return kind == Kind.GATE || kind == Kind.CHOICE;
    }

    /** How the library becomes one expert, if it does. */
    public Optional<MergeMethod> merge() {
        return kind == Kind.MERGE ? Optional.of(MergeMethod.valueOf(name())) : Optional.empty();
    }

    /** Whether a request may give weights. */
    public boolean takesWeights() {
        return this == WEIGHTED || this == CAT || kind == Kind.MERGE;
    }

    /** Whether general knowledge can be taken out of the experts. */
    public boolean takesGeneralKnowledge() {
        return kind == Kind.GATE || kind == Kind.CONSTANT;
    }
}
