package io.quiver.lora.routability;

import java.util.List;

/**
 * What is known of one expert in its library. Experts are numbered as in the library.
 *
 * @param verdict what follows from the rest
 * @param confusedWith those with whom it is confused, also where the verdict is another one; ascending
 * @param own of its own examples
 * @param others of the examples of the others
 * @param generic of requests that belong to nobody
 */
public record ExpertRoutability(Verdict verdict, List<Integer> confusedWith, Own own, Others others, Generic generic) {
    public ExpertRoutability {
        confusedWith = List.copyOf(confusedWith);
        if (confusedWith.isEmpty() && verdict == Verdict.CONFUSABLE) {
            throw new IllegalArgumentException("it is confused with nobody, but " + verdict);
        }
    }

    /**
     * What becomes of an expert's own examples.
     *
     * @param examples how many were read
     * @param fires on how many of them its stand-out reaches the library's threshold
     * @param chosen for how many of them it is chosen
     * @param base how many of them the base answers
     * @param standOut the median of its stand-outs; NaN without examples
     * @param margin the median of its scores' lead over the best of the others; NaN without examples or others
     */
    public record Own(int examples, int fires, int chosen, int base, double standOut, double margin) {}

    /**
     * What an expert makes of the examples of others.
     *
     * @param examples how many were read
     * @param taken for how many of them it is chosen
     */
    public record Others(int examples, int taken) {}

    /**
     * What an expert makes of requests that the base wrote itself.
     *
     * @param largest part of the requests where its stand-out is the largest of the library; equals share the request
     * @param passes part of the requests where its stand-out reaches the library's threshold
     * @param nearest number of the expert whose stand-outs go with its own the most; -1 without others
     * @param correlation of the two, -1 to 1; NaN without others
     */
    public record Generic(double largest, double passes, int nearest, double correlation) {}
}
