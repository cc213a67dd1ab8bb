package io.quiver.client.hub;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.util.Optional;

/** What goes wrong with the next file that is asked for. */
interface Trouble {
    /** Answers in place of the file, or returns the content to send. */
    Optional<byte[]> befall(HttpExchange exchange, byte[] content) throws IOException;

    /** Nothing goes wrong. */
    Trouble NONE = (exchange, content) -> Optional.of(content);

    static Trouble status(int status, String... headers) {
        return (exchange, content) -> {
            for (int i = 0; i < headers.length; i += 2) {
                exchange.getResponseHeaders().add(headers[i], headers[i + 1]);
            }
            exchange.sendResponseHeaders(status, -1);
            return Optional.empty();
        };
    }

    /** The connection ends after some bytes of the body. */
    static Trouble truncatedAfter(int bytes) {
        return (exchange, content) -> {
            exchange.sendResponseHeaders(200, content.length);
            exchange.getResponseBody().write(content, 0, bytes);
            exchange.getResponseBody().flush();
            return Optional.empty();
        };
    }

    /** One bit of the content is another. */
    static Trouble damaged() {
        return (exchange, content) -> {
            byte[] other = content.clone();
            other[other.length / 2] ^= 1;
            return Optional.of(other);
        };
    }
}
