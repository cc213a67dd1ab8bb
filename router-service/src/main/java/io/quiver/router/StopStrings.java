package io.quiver.router;

import java.util.List;

/**
 * Ends a text before the first of some strings. What could be the beginning of one is held back until it is known, so
 * that no part of a stop string is ever given out. One owner, not thread-safe.
 */
public final class StopStrings {
    private final List<String> stops;
    private String held = "";
    private boolean stopped;

    public StopStrings(List<String> stops) {
        this.stops = List.copyOf(stops);
        if (this.stops.stream().anyMatch(String::isEmpty)) {
            throw new IllegalArgumentException("a stop string must not be empty");
        }
    }

    /** Takes text; returns what is certain to belong to the answer. Nothing comes after a stop string. */
    public String push(String text) {
        if (stopped || text.isEmpty()) {
            return "";
        }
        String all = held + text;
        int end = firstStop(all);
        if (end >= 0) {
            stopped = true;
            held = "";
            return all.substring(0, end);
        }
        int certain = all.length() - longestBeginning(all);
        held = all.substring(certain);
        return all.substring(0, certain);
    }

    /** Ends the text; returns what was held back and turned out to be no stop string. */
    public String finish() {
        String rest = held;
        held = "";
        return rest;
    }

    public boolean stopped() {
        return stopped;
    }

    /** Where the stop string begins that is complete first; of several complete at once, the longest. */
    private int firstStop(String all) {
        int start = -1;
        int end = Integer.MAX_VALUE;
        for (String stop : stops) {
            int found = all.indexOf(stop);
            int foundEnd = found + stop.length();
            if (found >= 0 && (foundEnd < end || foundEnd == end && found < start)) {
                start = found;
                end = foundEnd;
            }
        }
        return start;
    }

    /** How many characters at the end of the text are the beginning of a stop string, at most. */
    private int longestBeginning(String all) {
        int longest = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, all.length()); length > longest; length--) {
                if (all.startsWith(stop.substring(0, length), all.length() - length)) {
                    longest = length;
                }
            }
        }
        return longest;
    }
}
