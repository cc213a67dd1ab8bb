package io.quiver.client.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which hub is asked, and by whom.
 *
 * @param endpoint http or https, with a host, without a slash at the end
 * @param token sent to the endpoint's own host only
 */
public record HubSettings(URI endpoint, Optional<AccessToken> token) {
    static final String ENDPOINT_DEFAULT = "https://huggingface.co";
    private static final long TOKEN_FILE_BYTES_MAX = 4096;

    public HubSettings {
        String scheme = String.valueOf(endpoint.getScheme());
        if (!(scheme.equals("http") || scheme.equals("https"))
                || endpoint.getHost() == null
                || endpoint.getUserInfo() != null
                || endpoint.getQuery() != null
                || endpoint.getFragment() != null) {
            throw new IllegalArgumentException(
                    "'" + endpoint + "' is no address of a hub: give one such as " + ENDPOINT_DEFAULT);
        }
    }

    /**
     * Reads the variables that Hugging Face's own programs read: {@code HF_ENDPOINT}; {@code HF_TOKEN}, else the file
     * {@code HF_TOKEN_PATH}, else {@code token} in {@code HF_HOME}, else in {@code ~/.cache/huggingface}.
     *
     * @param userHome the person's home directory
     * @throws IllegalArgumentException if the endpoint is no address or the token is none
     * @throws IOException if there is a token file that cannot be read
     */
    public static HubSettings of(Map<String, String> environment, Path userHome) throws IOException {
        String endpoint = value(environment, "HF_ENDPOINT").orElse(ENDPOINT_DEFAULT);
        return new HubSettings(URI.create(endpoint.replaceAll("/+$", "")), token(environment, userHome));
    }

    private static Optional<AccessToken> token(Map<String, String> environment, Path userHome) throws IOException {
        Optional<String> variable = value(environment, "HF_TOKEN");
        if (variable.isPresent()) {
            return Optional.of(new AccessToken(variable.get(), "HF_TOKEN"));
        }
        Path file = value(environment, "HF_TOKEN_PATH")
                .map(Path::of)
                .orElseGet(() -> cache(environment, userHome).resolve("token"));
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        if (Files.size(file) > TOKEN_FILE_BYTES_MAX) {
            throw new IllegalArgumentException(file + " is too large for a token");
        }
        String secret = Files.readString(file).strip();
        return secret.isEmpty() ? Optional.empty() : Optional.of(new AccessToken(secret, file.toString()));
    }

    private static Path cache(Map<String, String> environment, Path userHome) {
        return value(environment, "HF_HOME")
                .map(Path::of)
                .or(() -> value(environment, "XDG_CACHE_HOME").map(dir -> Path.of(dir, "huggingface")))
                .orElseGet(() -> userHome.resolve(".cache").resolve("huggingface"));
    }

    private static Optional<String> value(Map<String, String> environment, String name) {
        @Nullable String value = environment.get(name);
        return value == null || value.isBlank() ? Optional.empty() : Optional.of(value.strip());
    }

    /** Whether an address is of the endpoint's own scheme, host and port. */
    boolean isOwn(URI address) {
        return endpoint.getScheme().equalsIgnoreCase(address.getScheme())
                && endpoint.getHost().equalsIgnoreCase(address.getHost())
                && port(endpoint) == port(address);
    }

    private static int port(URI address) {
        return address.getPort() >= 0 ? address.getPort() : "https".equalsIgnoreCase(address.getScheme()) ? 443 : 80;
    }
}
