package io.quiver.cli;

import io.quiver.client.RegistryClient;
import io.quiver.client.RouterClient;
import java.net.URI;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Where the services are: an option, else a variable, else where {@code ./quiver up} puts them. */
final class Servers {
    static final String REGISTRY_DEFAULT = "http://127.0.0.1:7070";
    static final String ROUTER_DEFAULT = "http://127.0.0.1:7071";

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    @Option(
            names = "--registry",
            paramLabel = "URL",
            description = "the registry; default $QUIVER_REGISTRY, else " + REGISTRY_DEFAULT)
    private @Nullable String registry;

    @Option(
            names = "--router",
            paramLabel = "URL",
            description = "the router; default $QUIVER_ROUTER, else " + ROUTER_DEFAULT)
    private @Nullable String router;

    RegistryClient registry(Map<String, String> environment) {
        return new RegistryClient(address(registry, environment, "QUIVER_REGISTRY", REGISTRY_DEFAULT));
    }

    RouterClient router(Map<String, String> environment) {
        return new RouterClient(address(router, environment, "QUIVER_ROUTER", ROUTER_DEFAULT));
    }

    private URI address(
            @Nullable String option, Map<String, String> environment, String variable, String defaultAddress) {
        String inEnvironment = environment.getOrDefault(variable, "");
        String text = option != null ? option : inEnvironment.isEmpty() ? defaultAddress : inEnvironment;
        try {
            URI address = URI.create(text);
            String scheme = String.valueOf(address.getScheme());
            if ((scheme.equals("http") || scheme.equals("https")) && address.getHost() != null) {
                return address;
            }
        } catch (IllegalArgumentException e) {
            // Said below, in the same words as for an address without a host.
        }
        String message = "'" + text + "' is no address of a service: give one such as " + defaultAddress;
        throw command == null
                ? new IllegalArgumentException(message)
                : new ParameterException(command.commandLine(), message);
    }
}
