package io.quiver.lora.peft;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Regular expressions in Python's notation that come from outside, matched within a budget of steps that all of them share:
 * a pattern that backtracks without end is refused instead of holding a thread. Not thread-safe.
 */
final class BoundedPatterns {
    /** Counted repetitions of nothing take time without looking at a character: their product is bounded instead. */
    private static final long REPETITIONS_MAX = 1000;

    private static final Pattern REPETITION = Pattern.compile("\\{(\\d*)(?:,(\\d*))?\\}");

    private final AdapterLimits limits;
    private final Map<String, Pattern> compiled = new HashMap<>();
    private long stepsLeft;

    BoundedPatterns(AdapterLimits limits) {
        this.limits = limits;
        this.stepsLeft = limits.patternStepsMax();
    }

    /** As Python's {@code re.fullmatch(pattern, text)}. */
    boolean fullMatch(String pattern, String text) {
        return run(compile(pattern).matcher(new CountedText(text)), true) != null;
    }

    /** As Python's {@code re.match(pattern, text)}; null if there is no match. */
    @Nullable
    Matcher match(String pattern, String text) {
        return run(compile(pattern).matcher(new CountedText(text)), false);
    }

    /**
     * Compiles a pattern.
     *
     * @throws PatternException if it is too long, not a pattern, or repeats too often
     */
    Pattern compile(String pattern) {
        Pattern known = compiled.get(pattern);
        if (known != null) {
            return known;
        }
        if (pattern.length() > limits.patternCharsMax()) {
            throw new PatternException("it has more than " + limits.patternCharsMax() + " characters");
        }
        checkRepetitions(pattern);
        try {
            Pattern fresh = Pattern.compile(pattern.replace("(?P<", "(?<").replace("\\Z", "\\z"));
            compiled.put(pattern, fresh);
            return fresh;
        } catch (PatternSyntaxException e) {
            throw new PatternException(e.getDescription() + " at index " + e.getIndex());
        } catch (StackOverflowError e) {
            throw new PatternException("it is nested too deeply");
        }
    }

    private static void checkRepetitions(String pattern) {
        long product = 1;
        Matcher matcher = REPETITION.matcher(pattern);
        while (matcher.find()) {
            for (int group = 1; group <= 2; group++) {
                String digits = matcher.group(group);
                if (digits != null && !digits.isEmpty()) {
                    product *= digits.length() > 4 ? REPETITIONS_MAX + 1 : Math.max(1, Long.parseLong(digits));
                }
                if (product > REPETITIONS_MAX) {
                    throw new PatternException("its counted repetitions multiply to more than " + REPETITIONS_MAX);
                }
            }
        }
    }

    private @Nullable Matcher run(Matcher matcher, boolean full) {
        try {
            return (full ? matcher.matches() : matcher.lookingAt()) ? matcher : null;
        } catch (StackOverflowError e) {
            throw new PatternException("matching it nests too deeply");
        }
    }

    /** Text that counts how often the matcher looks at it. */
    private final class CountedText implements CharSequence {
        private final String text;

        CountedText(String text) {
            this.text = text;
        }

        @Override
        public char charAt(int index) {
            if (--stepsLeft < 0) {
                throw new PatternException("matching takes more than " + limits.patternStepsMax() + " steps");
            }
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.subSequence(start, end);
        }

        @Override
        public String toString() {
            return text;
        }
    }
}
