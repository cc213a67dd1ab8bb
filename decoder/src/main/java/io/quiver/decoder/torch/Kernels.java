package io.quiver.decoder.torch;

import ai.djl.engine.Engine;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The decoder's own operators in machine code ({@code src/main/native}): whole steps. The build makes them where it finds
 * a C++ compiler; without them, or where they cannot be loaded, every step is TorchScript.
 */
final class Kernels {
    private static final Logger LOG = LoggerFactory.getLogger(Kernels.class);
    private static final String RESOURCE = "/io/quiver/decoder/native/libquiver-kernels.so";

    /** What became of loading them, once for this process; empty: they are there. */
    private static final Optional<String> MISSING = load();

    private Kernels() {}

    /** Whether the operators are registered in the libtorch of this process. */
    static boolean present() {
        return MISSING.isEmpty();
    }

    /** Why they are not, in words for a person; empty if they are. */
    static Optional<String> missing() {
        return MISSING;
    }

    private static Optional<String> load() {
        // They look libtorch up in the process.
        Engine.getEngine("PyTorch");
        try (InputStream resource = Kernels.class.getResourceAsStream(RESOURCE)) {
            if (resource == null) {
                return missing("the build found no C++ compiler");
            }
            Path copy = Files.createTempFile("quiver-kernels", ".so");
            try {
                Files.copy(resource, copy, StandardCopyOption.REPLACE_EXISTING);
                System.load(copy.toAbsolutePath().toString());
            } finally {
                // What is mapped stays.
                Files.delete(copy);
            }
            return Optional.empty();
        } catch (IOException | UnsatisfiedLinkError e) {
            return missing(String.valueOf(e.getMessage()));
        }
    }

    private static Optional<String> missing(String reason) {
        LOG.warn("decoding without Quiver's kernels, at about half the speed for routed texts: {}", reason);
        return Optional.of(reason);
    }
}
