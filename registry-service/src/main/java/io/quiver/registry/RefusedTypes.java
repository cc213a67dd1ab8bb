package io.quiver.registry;

import java.util.Locale;
import java.util.Set;

/** File types that are never taken, because reading them may run code: pickles, scripts, libraries. */
final class RefusedTypes {
    private static final Set<String> ENDINGS = Set.of(
            "bin", "pt", "pth", "ckpt", "pkl", "pickle", "npy", "npz", "py", "so", "dll", "exe", "sh", "jar", "class");

    private RefusedTypes() {}

    static boolean isRefused(String fileName) {
        int dot = fileName.lastIndexOf('.');
        return dot >= 0 && ENDINGS.contains(fileName.substring(dot + 1).toLowerCase(Locale.ROOT));
    }

    static String explain(String fileName) {
        return "'" + fileName + "' may run code when it is read; only safetensors and JSON are taken: save with"
                + " safe_serialization=True";
    }
}
