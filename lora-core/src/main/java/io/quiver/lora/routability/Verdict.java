package io.quiver.lora.routability;

import java.util.Locale;

/** What is to be expected of an expert in a library that is routed by evidence. */
public enum Verdict {
    /** It is chosen for what it is for. */
    ROUTABLE(false),
    /** It and others take each other's requests. */
    CONFUSABLE(true),
    /** It stands out on none of its own examples. */
    NEVER_FIRES(true),
    /** It is chosen for less than half of its own examples. */
    RARELY_FIRES(true),
    /** It takes the requests of many others, or most of those that belong to nobody. */
    FIRES_ON_EVERYTHING(true),
    /** Nothing speaks against it, but without examples nothing speaks for it either. */
    TOO_LITTLE_KNOWN(false);

    private final boolean bad;

    Verdict(boolean bad) {
        this.bad = bad;
    }

    /** Whether something should be done before the library is used. */
    public boolean isBad() {
        return bad;
    }

    /** As it stands in answers, such as {@code never_fires}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
