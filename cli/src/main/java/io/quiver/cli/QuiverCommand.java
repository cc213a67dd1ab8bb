package io.quiver.cli;

import io.quiver.cli.verify.Verify;
import io.quiver.client.Pause;
import io.quiver.client.RefusedException;
import io.quiver.client.ServerException;
import io.quiver.client.ServerUnreachableException;
import io.quiver.client.hub.DownloadFolderException;
import io.quiver.client.hub.HubException;
import io.quiver.client.hub.HubUnreachableException;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneId;
import java.util.Locale;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IVersionProvider;

/** The command {@code quiver}: which subcommands there are, and what the process ends with. */
@Command(
        name = "quiver",
        description = "An event-driven registry and router for LoRA experts.",
        mixinStandardHelpOptions = true,
        versionProvider = QuiverCommand.Version.class,
        synopsisSubcommandLabel = "COMMAND",
        footer = {
            "",
            "A first tour:",
            "  quiver demo                              # everything, with the bundled model",
            "Your own model and adapters, with ./quiver up in another terminal:",
            "  quiver model pull HuggingFaceTB/SmolLM2-135M-Instruct   # or any folder that you have",
            "  quiver base add ./SmolLM2-135M-Instruct",
            "  quiver push ./my-adapter --label skill=sql",
            "  quiver ls",
            "  quiver ask \"Which tables does this query read?\"",
            ""
        },
        exitCodeListHeading = "Exit status:%n",
        exitCodeList = {
            "0:done",
            "1:the answer is no: a service or a hub refused, a version failed, a check found a difference",
            "2:the command line cannot be understood, names something that is not there, or a port is taken",
            "3:a service or a hub cannot be reached, or the connection to it broke"
        })
public final class QuiverCommand implements Runnable {
    private final Terminal terminal;

    private QuiverCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    public static void main(String[] args) {
        Clock clock = Clock.system(ZoneId.systemDefault());
        Surroundings surroundings = new Surroundings(
                Terminal.ofProcess(System.getenv()),
                System.getenv(),
                Path.of(System.getProperty("quiver.home", "")),
                Long.getLong("quiver.began", clock.millis()),
                clock,
                System::nanoTime);
        System.exit(commandLine(surroundings).execute(args));
    }

    /** All commands, wired. */
    static CommandLine commandLine(Surroundings surroundings) {
        return commandLine(surroundings, Pause.REAL);
    }

    /** @param pause lets time pass before a service is asked again */
    static CommandLine commandLine(Surroundings surroundings, Pause pause) {
        Terminal terminal = surroundings.terminal();
        CommandLine line = new CommandLine(new QuiverCommand(terminal))
                .addSubcommand(new DemoCommand(surroundings))
                .addSubcommand(new Up(surroundings))
                .addSubcommand(new CommandLine(new Base(surroundings))
                        .addSubcommand(new BaseAdd(surroundings))
                        .addSubcommand(new BaseCalibrate(surroundings, pause)))
                .addSubcommand(new CommandLine(new Model(surroundings)).addSubcommand(new ModelPull(surroundings)))
                .addSubcommand(new Push(surroundings, pause))
                .addSubcommand(new Ls(surroundings))
                .addSubcommand(new Show(surroundings))
                .addSubcommand(new Watch(surroundings))
                .addSubcommand(new Ask(surroundings))
                .addSubcommand(new Report(surroundings, pause))
                .addSubcommand(new Eval(surroundings, pause))
                .addSubcommand(new Verify(terminal));
        line.getSubcommands().values().forEach(QuiverCommand::addHelp);
        line.setOut(new PrintWriter(terminal.out(), true, StandardCharsets.UTF_8));
        line.setErr(new PrintWriter(terminal.err(), true, StandardCharsets.UTF_8));
        line.setColorScheme(CommandLine.Help.defaultColorScheme(terminal.colour() ? Ansi.ON : Ansi.OFF));
        line.setUsageHelpAutoWidth(false);
        line.setUsageHelpWidth(Math.max(80, Math.min(120, terminal.columns())));
        line.setExecutionExceptionHandler((thrown, command, parsed) -> failed(terminal, thrown, command));
        return line;
    }

    private static void addHelp(CommandLine command) {
        command.getCommandSpec().mixinStandardHelpOptions(true);
        command.getCommandSpec().versionProvider(new Version());
        command.getSubcommands().values().forEach(QuiverCommand::addHelp);
    }

    /** Says what went wrong in one place, so that every command ends alike; a defect of ours is thrown on. */
    private static int failed(Terminal terminal, Exception thrown, CommandLine command) throws Exception {
        if (thrown instanceof ServerUnreachableException unreachable) {
            error(terminal, unreachable.getMessage() + whatToDo(unreachable));
            return ExitStatus.UNREACHABLE;
        }
        if (thrown instanceof RefusedException refused) {
            Refusals.print(terminal, "refused", refused);
            return ExitStatus.REFUSED;
        }
        if (thrown instanceof ServerException) {
            error(terminal, thrown.getMessage());
            return ExitStatus.REFUSED;
        }
        if (thrown instanceof HubException) {
            error(terminal, thrown.getMessage());
            return thrown instanceof HubUnreachableException
                    ? ExitStatus.UNREACHABLE
                    : thrown instanceof DownloadFolderException ? ExitStatus.USAGE : ExitStatus.REFUSED;
        }
        if (thrown instanceof UsageException) {
            error(terminal, thrown.getMessage());
            terminal.err().println("quiver " + command.getCommandName() + " --help shows examples");
            return ExitStatus.USAGE;
        }
        if (thrown instanceof IOException) {
            error(
                    terminal,
                    thrown instanceof NoSuchFileException ? "there is no " + thrown.getMessage() : thrown.toString());
            return ExitStatus.USAGE;
        }
        throw thrown;
    }

    private static String whatToDo(ServerUnreachableException unreachable) {
        String service = unreachable.service();
        return unreachable.isAbsent()
                ? ": start one with ./quiver up, or give its address with --" + service + " or QUIVER_"
                        + service.toUpperCase(Locale.ROOT)
                : "";
    }

    private static void error(Terminal terminal, @Nullable String message) {
        terminal.err().println(terminal.paint(Style.RED, "✗") + " " + message);
    }

    /** Without a subcommand: the help. */
    @Override
    public void run() {
        CommandLine.usage(this, terminal.out());
    }

    /** The version that this was built as. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() throws IOException {
            Properties properties = new Properties();
            try (var stream = QuiverCommand.class.getResourceAsStream("version.properties")) {
                if (stream == null) {
                    throw new IOException("version.properties is missing in the build");
                }
                properties.load(stream);
            }
            return new String[] {"quiver " + properties.getProperty("version")};
        }
    }
}
