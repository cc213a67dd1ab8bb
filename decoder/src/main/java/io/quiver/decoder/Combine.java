package io.quiver.decoder;

/** What is mixed with the coefficients w of the chosen experts. */
public enum Combine {
    /** y = Wx + Σ wₑ sₑ Bₑ(Aₑ x), as PEFT does. */
    OUTPUTS,
    /** y = Wx + (Σ wₑ sₑ Bₑ)(Σ wₑ Aₑ) x, as mttl does by default; the scale goes with B, so it may differ by expert. */
    FACTORS
}
