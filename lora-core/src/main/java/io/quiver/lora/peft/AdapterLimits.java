package io.quiver.lora.peft;

/**
 * How much of an adapter's configuration is taken before it is refused.
 *
 * @param configBytesMax bytes of adapter_config.json
 * @param rankMax largest rank of a module
 * @param patternCharsMax characters of one regular expression
 * @param patternStepsMax steps of matching all patterns against all modules of one adapter
 * @param listEntriesMax entries in target_modules, rank_pattern and the like
 * @param violationsMax violations told at once
 */
public record AdapterLimits(
        int configBytesMax,
        int rankMax,
        int patternCharsMax,
        long patternStepsMax,
        int listEntriesMax,
        int violationsMax) {
    public static final AdapterLimits DEFAULT = new AdapterLimits(1 << 20, 256, 4096, 200_000_000L, 20_000, 200);

    public AdapterLimits {
        if (configBytesMax < 2
                || rankMax < 1
                || patternCharsMax < 1
                || patternStepsMax < 1
                || listEntriesMax < 1
                || violationsMax < 1) {
            throw new IllegalArgumentException("limits must be positive");
        }
    }
}
