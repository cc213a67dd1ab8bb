package io.quiver.cli.verify;

import io.quiver.terminal.Terminal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Proves on a person's own model and adapters that Quiver computes what the references computed. */
@Command(
        name = "verify",
        description =
                "Run a folder of reference values (models, adapters, prototypes, Arrow and evidence cases) through"
                        + " Quiver's own code and compare.",
        footer = {
            "",
            "One line a case with the largest error found and its tolerance; the last line counts them.",
            "Exit status 0 only if none failed and at least one passed.",
            "",
            "Example:",
            "  quiver verify ./fixtures"
        })
public final class Verify implements Callable<Integer> {
    private static final int FAILED = 1;
    private static final int USAGE = 2;

    @Parameters(
            arity = "1",
            paramLabel = "DIR",
            description = "the folder: models/, adapters/, arrow/, evidence/, strategies/, cases/, or some of them")
    private Path folder = Path.of(".");

    private final Terminal terminal;

    public Verify(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        if (!Files.isDirectory(folder)) {
            terminal.err().println("there is no folder " + folder);
            return USAGE;
        }
        return new VerifyFolder(terminal).verify(folder) ? 0 : FAILED;
    }
}
