package io.quiver.router;

import java.util.Locale;

/** How the coefficients of a library's experts come about. */
public enum Strategy {
    /** Per token and module, by the prototypes. */
    ARROW,
    /** One expert, always. */
    SINGLE,
    /** No expert: the base model alone. */
    BASE,
    /** Every expert with the same weight, always. */
    UNIFORM;

    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
