package io.quiver.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Commands about models that are on a hub; alone, their help. */
@Command(
        name = "model",
        description = "Fetch base models and adapters from a Hugging Face hub.",
        footer = {"", "Examples:", "  quiver model pull HuggingFaceTB/SmolLM2-135M-Instruct"})
final class Model implements Runnable {
    @Spec
    private CommandSpec command = CommandSpec.create();

    private final Surroundings surroundings;

    Model(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public void run() {
        CommandLine.usage(command.commandLine(), surroundings.terminal().out());
    }
}
