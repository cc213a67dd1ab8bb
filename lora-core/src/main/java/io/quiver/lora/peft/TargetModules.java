package io.quiver.lora.peft;

import java.util.List;

/** Which modules of a base model a field such as {@code target_modules} or {@code exclude_modules} names. */
public sealed interface TargetModules {
    /** {@code "all-linear"}: every linear module but the output head. */
    record AllLinear() implements TargetModules {}

    /** A list: every module whose path is an entry, or ends in a dot and an entry. */
    record Named(List<String> names) implements TargetModules {
        public Named {
            names = List.copyOf(names);
        }
    }

    /** A string: every module whose whole path the regular expression matches. */
    record Matching(String pattern) implements TargetModules {}
}
