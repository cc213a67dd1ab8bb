package io.quiver.lora.peft;

import java.util.HashMap;
import java.util.Map;

/** The patterns of one adapter's configuration, compiled once each and matched within one budget of steps. Not thread-safe. */
final class PathPatterns {
    private final AdapterLimits limits;
    private final PathPattern.Budget budget;
    private final Map<String, PathPattern> compiled = new HashMap<>();

    PathPatterns(AdapterLimits limits) {
        this.limits = limits;
        this.budget = new PathPattern.Budget(limits.patternStepsMax());
    }

    /** As Python's {@code re.fullmatch(pattern, path)}. */
    boolean matchesAll(String pattern, String path) {
        return compile(pattern).matchesAll(path, budget);
    }

    /** As Python's {@code re.match(pattern, path)}. */
    boolean matchesStart(String pattern, String path) {
        return compile(pattern).matchesStart(path, budget);
    }

    /** @throws PatternException if it is too long, or not a supported pattern */
    PathPattern compile(String pattern) {
        if (pattern.length() > limits.patternCharsMax()) {
            throw new PatternException("it has more than " + limits.patternCharsMax() + " characters");
        }
        return compiled.computeIfAbsent(pattern, PathPattern::compile);
    }
}
