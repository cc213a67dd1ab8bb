package io.quiver.cli;

import io.quiver.client.Pause;
import io.quiver.client.RefusedException;
import io.quiver.client.RegistryClient;
import io.quiver.terminal.Quantities;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Has a base model calibrated again, and follows that to its end. */
@Command(
        name = "calibrate",
        description = {
            "Have a base model calibrated again; registering one does it the first time. Its adapters are measured anew afterwards,",
            "and what they have serves until each is. The same seed gives the same calibration."
        },
        footer = {
            "",
            "Examples:",
            "  quiver base calibrate smollm2-135m-instruct",
            "  quiver base calibrate smollm2-135m-instruct --seed 2 --no-wait"
        })
final class BaseCalibrate implements Callable<Integer> {
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(1);

    @Mixin
    private Servers servers = new Servers();

    @Mixin
    private WaitOption waiting = new WaitOption();

    @Parameters(arity = "1", paramLabel = "NAME", description = "a registered base model")
    private String name = "";

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "of the randomness in it, from 0; default: the registry's")
    private @Nullable Long seed;

    @Option(names = "--supersede", description = "begin another attempt though one is under way")
    private boolean supersede;

    private final Surroundings surroundings;
    private final Pause pause;

    BaseCalibrate(Surroundings surroundings, Pause pause) {
        this.surroundings = surroundings;
        this.pause = pause;
    }

    @Override
    public Integer call() throws InterruptedException {
        if (seed != null && seed < 0) {
            throw new UsageException("--seed is a number from 0, not " + seed);
        }
        RegistryClient registry = servers.registry(surroundings.environment());
        Terminal terminal = surroundings.terminal();
        BaseModelJson asked;
        try {
            asked = new BaseModelJson(
                    registry.calibrate(name, seed == null ? OptionalLong.empty() : OptionalLong.of(seed), supersede));
        } catch (RefusedException e) {
            Refusals.print(terminal, name + " is not calibrated again", e);
            return ExitStatus.REFUSED;
        }
        terminal.out()
                .println(terminal.paint(Style.BOLD, name) + "  attempt " + asked.calibrationAttempt() + "  "
                        + asked.calibrationState());
        return waiting.isOn() ? follow(registry, asked.calibrationAttempt()) : ExitStatus.DONE;
    }

    private int follow(RegistryClient registry, int attempt) throws InterruptedException {
        Terminal terminal = surroundings.terminal();
        long beganNanos = surroundings.nanoTime().getAsLong();
        while (true) {
            BaseModelJson base = new BaseModelJson(registry.baseModel(name));
            if (base.calibrationAttempt() != attempt) {
                terminal.progress("");
                terminal.err()
                        .println(terminal.paint(Style.RED, "✗") + " attempt " + attempt + " was superseded by attempt "
                                + base.calibrationAttempt());
                return ExitStatus.REFUSED;
            }
            switch (base.calibrationState()) {
                case "CALIBRATED" -> {
                    terminal.progress("");
                    terminal.out()
                            .println(terminal.paint(Style.BOLD, name) + "  "
                                    + terminal.paint(Style.GREEN, "CALIBRATED") + "  " + base.calibrationDigest()
                                    + "  after "
                                    + Quantities.duration(Duration.ofNanos(
                                            surroundings.nanoTime().getAsLong() - beganNanos))
                                    + "; its adapters are measured anew from here on");
                    return ExitStatus.DONE;
                }
                case "FAILED" -> {
                    terminal.progress("");
                    terminal.err()
                            .println(terminal.paint(Style.BOLD, name) + "  " + terminal.paint(Style.RED, "FAILED")
                                    + "  " + base.calibrationFailure());
                    return ExitStatus.REFUSED;
                }
                default -> {
                    terminal.progress(name + "  " + base.calibration());
                    pause.of(BETWEEN_LOOKS);
                }
            }
        }
    }
}
