package io.quiver.lora.arrow;

/** What came of computing the prototype of one module. */
public sealed interface PrototypeResult {
    /** Path of the module. */
    String module();

    /** There is one. */
    record Computed(ModulePrototype prototype) implements PrototypeResult {
        @Override
        public String module() {
            return prototype.module();
        }
    }

    /** B·A is zero, as in an adapter that was never trained: no input is stretched most. */
    record ZeroUpdate(String module) implements PrototypeResult {}
}
