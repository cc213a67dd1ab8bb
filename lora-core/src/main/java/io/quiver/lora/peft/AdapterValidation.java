package io.quiver.lora.peft;

import java.util.List;

/** Whether an adapter can be served. */
public sealed interface AdapterValidation {
    /**
     * It can.
     *
     * @param modules adapted modules, by path; at least one
     */
    record Valid(AdapterConfig config, List<LoraModule> modules) implements AdapterValidation {
        public Valid {
            modules = List.copyOf(modules);
            if (modules.isEmpty()) {
                throw new IllegalArgumentException("a valid adapter adapts at least one module");
            }
        }
    }

    /** It cannot, for all these reasons; at least one. */
    record Invalid(List<Violation> violations) implements AdapterValidation {
        public Invalid {
            violations = List.copyOf(violations);
            if (violations.isEmpty()) {
                throw new IllegalArgumentException("an invalid adapter has at least one violation");
            }
        }
    }
}
