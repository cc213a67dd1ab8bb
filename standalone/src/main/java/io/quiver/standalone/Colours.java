package io.quiver.standalone;

import java.util.ArrayList;
import java.util.List;

/** Shows text in the colour of an expert, or, where the terminal has no colours, behind the expert's name in brackets. */
final class Colours {
    /** Of the terminal's 256 colours, those that can be told apart on light and dark ground. */
    private static final int[] PALETTE = {39, 208, 41, 170, 178, 203, 73, 141, 112, 174, 67, 137}; // (colours)

    private static final String END = "\u001b[0m";

    private final boolean colour;
    private final List<String> legend = new ArrayList<>();

    Colours(boolean colour) {
        this.colour = colour;
    }

    /** A run of tokens that one expert has the largest share in. */
    record Run(String expert, String text) {}

    /** Text made of runs, every run marked by its expert. */
    String mark(List<Run> runs) {
        var marked = new StringBuilder();
        runs.forEach(
                run -> marked.append(colour ? paint(run.expert(), run.text()) : "[" + run.expert() + "]" + run.text()));
        return marked.toString();
    }

    /** An expert's name in its colour, which it keeps. */
    String name(String expert) {
        return colour ? paint(expert, "■ " + expert) : expert;
    }

    String bold(String text) {
        return colour ? "\u001b[1m" + text + END : text;
    }

    String dim(String text) {
        return colour ? "\u001b[2m" + text + END : text;
    }

    private String paint(String expert, String text) {
        if (!legend.contains(expert)) {
            legend.add(expert);
        }
        return "\u001b[38;5;" + PALETTE[legend.indexOf(expert) % PALETTE.length] + "m" + text + END;
    }
}
