package io.quiver.cli;

import io.quiver.client.RouterClient.RoutabilityQuery;
import picocli.CommandLine.Option;

/** Options that say which experts a command is about. */
final class LibraryOptions {
    @Option(
            names = "--library",
            paramLabel = "NS/A,NS/B|KEY=VALUE|all",
            description = "the experts: references, a label selector, or all (default)")
    private String library = RoutabilityQuery.ALL;

    @Option(names = "--model", paramLabel = "M", description = "the base model; default: the only one")
    private String model = Ask.ALL_EXPERTS;

    String library() {
        return library;
    }

    /** The base model of the experts. */
    String model() {
        return model;
    }
}
