package io.quiver.embedded;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;

/** A password or key that is drawn at the first start and kept beside the data, readable by its owner alone. */
final class Secret {
    private static final int SIZE_BYTES = 20;

    private Secret() {}

    /** Reads the secret kept in the file, or draws one (40 hexadecimal digits) and keeps it there. */
    static String keptIn(Path file) throws IOException {
        if (!Files.exists(file)) {
            byte[] drawn = new byte[SIZE_BYTES];
            new SecureRandom().nextBytes(drawn);
            Path written = Files.createTempFile(
                    file.toAbsolutePath().getParent(),
                    "secret",
                    ".new",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(written, HexFormat.of().formatHex(drawn), StandardCharsets.US_ASCII);
            Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
        }
        return Files.readString(file, StandardCharsets.US_ASCII).strip();
    }
}
