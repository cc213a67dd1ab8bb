package io.quiver.embedded;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A program that has been run to its end.
 *
 * @param exitStatus its exit status
 * @param output what it wrote to standard output and standard error
 */
record ProgramRun(int exitStatus, String output) {
    private static final int LINES_SHOWN = 4;

    /**
     * Runs a program, giving it {@code input} to read. Its output goes through a file: a server that it leaves behind may hold
     * on to a pipe for ever. Throws if it has not ended within the limit; it is then killed.
     */
    static ProgramRun of(List<String> command, String input, Duration limit) throws IOException {
        Path output = Files.createTempFile("quiver-program", ".out");
        try {
            var builder = new ProcessBuilder(command)
                    .directory(Path.of("/").toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile());
            builder.environment().remove("PGDATA");
            builder.environment().remove("PGPORT");
            builder.environment().put("LC_ALL", "C");
            Process process = builder.start();
            try (OutputStream stdin = process.getOutputStream()) {
                stdin.write(input.getBytes(StandardCharsets.UTF_8));
            }
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
                throw new IOException(String.join(" ", command) + " did not end within " + limit);
            }
            return new ProgramRun(process.exitValue(), Files.readString(output));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while running " + command, e);
        } finally {
            Files.delete(output);
        }
    }

    /** This run, or {@link EmbeddedServerException} with the end of its output if the program failed. */
    ProgramRun orThrow(String what) {
        if (exitStatus != 0) {
            throw new EmbeddedServerException(
                    what + " failed with exit status " + exitStatus + ": " + lastLines(), null);
        }
        return this;
    }

    private String lastLines() {
        List<String> lines = output.strip().lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - LINES_SHOWN), lines.size()));
    }
}
