package io.quiver.lora.peft;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Decides which modules an adapter's configuration means, as PEFT does
 * ({@code tuners_utils.check_target_module_exists}, {@code other.get_pattern_key}). Not thread-safe.
 */
final class MatchModules {
    private static final Pattern FIRST_INDEX = Pattern.compile(".*?\\.[^.]*\\.(\\d{1,9})\\.");
    private static final Pattern NUMBER = Pattern.compile("\\.(\\d{1,9})\\.");

    /** A key in which only the dot, which stands for any character, is special. */
    private static final Pattern PLAIN_KEY = Pattern.compile("[A-Za-z0-9_.-]+");

    private final AdapterConfig config;
    private final PathPatterns patterns;

    MatchModules(AdapterConfig config, PathPatterns patterns) {
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
            return patterns.matchesAll(matching.pattern(), path);
        }
        if (modules instanceof TargetModules.AllLinear) {
            return true;
        }
        throw new IllegalStateException("unknown kind of targets " + modules);
    }

    private boolean isInLayers(String path) {
        List<String> names = config.layers().patterns();
        OptionalInt index = OptionalInt.empty();
        if (names.isEmpty()) {
            index = index(FIRST_INDEX.matcher(path));
        }
        for (int i = 0; i < names.size() && index.isEmpty(); i++) {
            index = lastIndexBehind(names.get(i), path);
        }
        return index.isPresent() && config.layers().layers().contains(index.getAsInt());
    }

    /** The number in the last {@code .<name>.<number>.} of a path: PEFT matches {@code .*\.<name>\.(\d+)\.}. */
    private OptionalInt lastIndexBehind(String name, String path) {
        for (int dot = path.lastIndexOf('.'); dot >= 0; dot = path.lastIndexOf('.', dot - 1)) {
            Matcher number = NUMBER.matcher(path).region(dot, path.length());
            if (!number.lookingAt()) {
                continue;
            }
            for (int before = path.lastIndexOf('.', dot - 1); before >= 0; before = path.lastIndexOf('.', before - 1)) {
                if (patterns.matchesAll(name, path.substring(before + 1, dot))) {
                    return OptionalInt.of(Integer.parseInt(number.group(1)));
                }
            }
        }
        return OptionalInt.empty();
    }

    private static OptionalInt index(Matcher matcher) {
        return matcher.lookingAt() ? OptionalInt.of(Integer.parseInt(matcher.group(1))) : OptionalInt.empty();
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
            if (endsIn(entry.getKey(), path)) {
                return entry.getValue();
            }
        }
        return null;
    }

    /** Whether a path matches {@code (.*\.)?(KEY)$} from its start. */
    private boolean endsIn(String key, String path) {
        if (!PLAIN_KEY.matcher(key).matches()) {
            return patterns.matchesStart("(.*\\.)?(" + key + ")$", path);
        }
        // Most keys are plain paths, and there may be one for every module.
        int start = path.length() - key.length();
        if (start < 0 || (start > 0 && path.charAt(start - 1) != '.')) {
            return false;
        }
        for (int i = 0; i < key.length(); i++) {
            if (key.charAt(i) != '.' && key.charAt(i) != path.charAt(start + i)) {
                return false;
            }
        }
        return true;
    }
}
