package io.quiver.cli.verify;

import io.quiver.decoder.UnsupportedModelException;
import io.quiver.lora.peft.InvalidAdapterException;
import io.quiver.lora.peft.Violation;
import io.quiver.lora.peft.ViolationCode;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Runs every case of a folder and says what came of it, a line a case. */
final class VerifyFolder {
    private final Terminal terminal;
    private int passed;
    private int failed;
    private int notSupported;

    VerifyFolder(Terminal terminal) {
        this.terminal = terminal;
    }

    /** Returns whether none failed and at least one passed. */
    boolean verify(Path root) throws IOException {
        try (OpenModels models = new OpenModels()) {
            List<VerifyCase> cases = new FindCases(new ReferenceFolder(root), models).find();
            int width =
                    cases.stream().mapToInt(one -> one.name().length()).max().orElse(0);
            for (int i = 0; i < cases.size(); i++) {
                terminal.progress("%d of %d  %s"
                        .formatted(i + 1, cases.size(), cases.get(i).name()));
                Outcome outcome = outcome(cases.get(i));
                terminal.progress("");
                print(cases.get(i).name(), width, outcome);
            }
        }
        terminal.out()
                .println(String.format(
                        Locale.ROOT, "%d passed, %d failed, %d not supported", passed, failed, notSupported));
        return failed == 0 && passed > 0;
    }

    /** A case that throws has failed with what it said, unless it said that Quiver does not have this. */
    private static Outcome outcome(VerifyCase one) {
        try {
            return one.run();
        } catch (UnsupportedModelException e) {
            return new Outcome.NotSupported(String.valueOf(e.getMessage()));
        } catch (InvalidAdapterException e) {
            String message = String.valueOf(e.getMessage());
            return isBeyondLora(e.violations()) ? new Outcome.NotSupported(message) : new Outcome.Failed(message);
        } catch (NoSuchFileException e) {
            return new Outcome.Failed("there is no file " + e.getMessage());
        } catch (IOException | RuntimeException e) {
            return new Outcome.Failed(e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
        }
    }

    /** Whether an adapter is more than plain LoRA rather than wrong: another method as a whole, or nothing but additions to it. */
    private static boolean isBeyondLora(List<Violation> violations) {
        List<String> codes = violations.stream().map(Violation::code).toList();
        return codes.stream().anyMatch(VerifyFolder::isOtherMethod)
                || codes.stream()
                        .filter(code -> !code.equals(ViolationCode.MORE_VIOLATIONS.code()))
                        .allMatch(code -> code.endsWith("_unsupported"));
    }

    private static boolean isOtherMethod(String code) {
        return code.startsWith("lookalike_")
                || code.equals(ViolationCode.UNSUPPORTED_PEFT_TYPE.code())
                || code.equals(ViolationCode.NOT_LORA.code());
    }

    private void print(String name, int width, Outcome outcome) {
        String word;
        if (outcome instanceof Outcome.Passed) {
            passed++;
            word = terminal.paint(Style.GREEN, "passed       ");
        } else if (outcome instanceof Outcome.Failed) {
            failed++;
            word = terminal.paint(Style.RED, "failed       ");
        } else {
            notSupported++;
            word = terminal.paint(Style.YELLOW, "not supported");
        }
        String details = outcome.details().replaceAll("\\s+", " ");
        terminal.out().println(word + "  " + name + " ".repeat(width - name.length()) + "  " + details);
    }
}
