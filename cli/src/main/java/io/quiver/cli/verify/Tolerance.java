package io.quiver.cli.verify;

/** How far a value may be from its reference: the figures that the folder's own documentation derives from measurements. */
final class Tolerance {
    /** Absolute, of a float32 engine against float64: measured are 2e-5 on logits of spread 3. */
    static final double LOGITS = 1e-4;
    /** Absolute, of |x·p| in float32. */
    static final double SCORES = 1e-4;
    /** Absolute, of softmax weights in float32. */
    static final double COEFFICIENTS = 5e-5;
    /** A softmax weight in float32 this small may as well have been rounded to 0. */
    static final double VANISHING = 1e-30;
    /** 1 - |cosine| of a prototype. */
    static final double PROTOTYPE = 1e-6;
    /** Of singular values, relative to the largest of their module. */
    static final double SIGMA = 1e-9;
    /** Of alpha/r and its kin, relative. */
    static final double SCALING = 1e-12;
    /** Absolute, of sums of a few numbers in float64. */
    static final double BY_HAND = 1e-12;
    /** The same where a prototype was rounded to float32. */
    static final double BY_HAND_FLOAT = 2e-6;
    /** Of what the evidence gate computes in float64, relative to the largest entry. */
    static final double EVIDENCE_EXACT = 1e-8;
    /** Absolute, of what it makes of a prompt in float32: measured are 4e-6. */
    static final double EVIDENCE = 1e-4;

    private Tolerance() {}
}
