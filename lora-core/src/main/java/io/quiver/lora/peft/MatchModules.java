package io.quiver.lora.peft;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import org.jspecify.annotations.Nullable;

/**
 * Decides which modules an adapter's configuration means, as PEFT does
 * ({@code tuners_utils.check_target_module_exists}, {@code other.get_pattern_key}). Not thread-safe.
 */
final class MatchModules {
    private static final String FIRST_INDEX = ".*?\\.[^.]*\\.(\\d+)\\.";

    private final AdapterConfig config;
    private final BoundedPatterns patterns;

    MatchModules(AdapterConfig config, BoundedPatterns patterns) {
        this.config = config;
        this.patterns = patterns;
    }

    /**
     * Whether the configuration adapts a module.
     *
     * @param path of a module of the base model that could be adapted
     * @throws PatternException if a pattern cannot be matched
     */
    boolean isTargeted(String path) {
        if (config.excluded().isPresent() && names(config.excluded().get(), path)) {
            return false;
        }
        TargetModules targets = config.targets();
        if (!names(targets, path)) {
            return false;
        }
        // A path that is named in full is adapted whatever the layers say.
        boolean inFull =
                targets instanceof TargetModules.Named named && named.names().contains(path);
        return inFull || config.layers().layers().isEmpty() || isInLayers(path);
    }

    private boolean names(TargetModules modules, String path) {
        if (modules instanceof TargetModules.Named named) {
            return named.names().stream().anyMatch(name -> path.equals(name) || path.endsWith("." + name));
        }
        if (modules instanceof TargetModules.Matching matching) {
            return patterns.fullMatch(matching.pattern(), path);
        }
        if (modules instanceof TargetModules.AllLinear) {
            return true;
        }
        throw new IllegalStateException("unknown kind of targets " + modules);
    }

    private boolean isInLayers(String path) {
        List<String> prefixes = config.layers().patterns();
        Matcher matcher = null;
        if (prefixes.isEmpty()) {
            matcher = patterns.match(FIRST_INDEX, path);
        }
        for (int i = 0; i < prefixes.size() && matcher == null; i++) {
            matcher = patterns.match(".*\\." + prefixes.get(i) + "\\.(\\d+)\\.", path);
        }
        if (matcher == null) {
            return false;
        }
        String index = matcher.group(1);
        if (index == null || !index.matches("\\d{1,9}")) {
            throw new PatternException("its first group is not the layer's index");
        }
        return config.layers().layers().contains(Integer.parseInt(index));
    }

    /** r of a module, patterns resolved. */
    int rank(String path) {
        Integer special = firstMatch(config.rankPattern(), path);
        return special == null ? config.rank() : special;
    }

    /** alpha of a module, patterns resolved. */
    double alpha(String path) {
        Double special = firstMatch(config.alphaPattern(), path);
        return special == null ? config.alpha() : special;
    }

    private <T> @Nullable T firstMatch(Map<String, T> values, String path) {
        for (Map.Entry<String, T> entry : values.entrySet()) {
            if (patterns.match("(.*\\.)?(" + entry.getKey() + ")$", path) != null) {
                return entry.getValue();
            }
        }
        return null;
    }
}
