package io.quiver.cli;

import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Names;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How a folder is named in the registry when its owner does not say. */
final class AdapterNaming {
    static final String NAMESPACE_DEFAULT = "default";
    private static final int LENGTH_MAX = 63;

    private AdapterNaming() {}

    /**
     * The name of an adapter: as given, with the namespace of {@code $QUIVER_NAMESPACE} or {@value #NAMESPACE_DEFAULT}
     * where it has none; from the folder's name where none is given.
     */
    static AdapterName of(Path folder, @Nullable String given, Map<String, String> environment) {
        String namespace = environment.getOrDefault("QUIVER_NAMESPACE", "");
        String name = given == null ? legal(folder) : given;
        return parse(name.contains("/") ? name : (namespace.isEmpty() ? NAMESPACE_DEFAULT : namespace) + "/" + name);
    }

    /** A name that a person typed, {@code ns/name}. */
    static AdapterName parse(String text) {
        try {
            return AdapterName.parse(text);
        } catch (IllegalArgumentException e) {
            throw new UsageException(e.getMessage() == null ? text : e.getMessage());
        }
    }

    /** The folder's own name in lower case, with what names may not have replaced by {@code -}. */
    static String legal(Path folder) {
        Path last = resolved(folder).getFileName();
        String legal = legal(last == null ? "" : last.toString());
        if (!Names.isName(legal)) {
            throw new UsageException("no name can be made of the folder " + folder + ": give one with --name");
        }
        return legal;
    }

    /** A text in lower case, with what names may not have replaced by {@code -}; no name if nothing is left. */
    static String legal(String text) {
        String legal = text.toLowerCase(Locale.ROOT)
                .replaceAll("[^a-z0-9._-]+", "-")
                .replaceAll("\\.{2,}", ".")
                .replaceAll("^[._-]+", "");
        return legal.substring(0, Math.min(LENGTH_MAX, legal.length())).replaceAll("[._-]+$", "");
    }

    private static Path resolved(Path folder) {
        try {
            return folder.toRealPath();
        } catch (IOException e) {
            return folder.toAbsolutePath().normalize();
        }
    }
}
