package io.quiver.lora.safetensors;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** An element type of the safetensors format with whole bytes per element. */
public enum DType {
    BOOL(1, false),
    U8(1, false),
    I8(1, false),
    F8_E5M2(1, true),
    F8_E4M3(1, true),
    I16(2, false),
    U16(2, false),
    F16(2, true),
    BF16(2, true),
    I32(4, false),
    U32(4, false),
    F32(4, true),
    F64(8, true),
    I64(8, false),
    U64(8, false);

    private static final Map<String, DType> BY_NAME =
            Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(Enum::name, Function.identity()));

    private final int elementBytes;
    private final boolean floating;

    DType(int elementBytes, boolean floating) {
        this.elementBytes = elementBytes;
        this.floating = floating;
    }

    /** The type of that name, as headers write it; empty if this program does not know it. */
    public static Optional<DType> named(String name) {
        return Optional.ofNullable(BY_NAME.get(name));
    }

    public int elementBytes() {
        return elementBytes;
    }

    /** Whether elements are floating-point numbers, of any width. */
    public boolean isFloating() {
        return floating;
    }

    /** Whether elements can be read as numbers here: floating point of two bytes or more. */
    public boolean isReadable() {
        return floating && elementBytes >= 2;
    }
}
