package io.quiver.decoder.torch;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Whether the system maps a file in pages of 2 MB: newer ones do for file systems that keep files so, and memory is then read as fast as
 * any; in pages of 4 KB decoding is slower than from memory of the process's own.
 */
final class LargePages {
    private static final Path MAPPINGS = Path.of("/proc/self/smaps");
    private static final String IN_LARGE_PAGES = "FilePmdMapped:";

    private LargePages() {}

    /** Bytes of a file that this process has mapped in large pages; 0 where the system does not say. */
    static long bytesOf(Path file) throws IOException {
        String name = " " + file.toRealPath();
        long bytes = 0;
        boolean ofFile = false;
        try (BufferedReader lines = Files.newBufferedReader(MAPPINGS)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                // A mapping's own line begins with its addresses in hexadecimal digits, what is said of it with a
                // capital letter.
                if (!Character.isUpperCase(line.charAt(0))) {
                    ofFile = line.endsWith(name);
                } else if (ofFile && line.startsWith(IN_LARGE_PAGES)) {
                    String kilobytes = line.substring(IN_LARGE_PAGES.length(), line.length() - " kB".length());
                    bytes += Long.parseLong(kilobytes.strip()) << 10;
                }
            }
        } catch (NoSuchFileException e) {
            return 0;
        }
        return bytes;
    }
}
