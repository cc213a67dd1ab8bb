package io.quiver.router.tomcat;

import io.quiver.router.web.Clients;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.springframework.boot.tomcat.TomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;

/**
 * Finds out on the socket whether a client is still there. A request has been read to its end by then, so that its socket has
 * nothing to read until the answer is out: the end of the stream means that the client has closed it. What a client sends ahead
 * stays in the connection's buffer for its next request.
 */
public final class TomcatClients implements Clients, WebServerFactoryCustomizer<TomcatWebServerFactory> {
    private final List<WatchedHttp11Protocol> protocols = new CopyOnWriteArrayList<>();

    @Override
    public void customize(TomcatWebServerFactory factory) {
        factory.setProtocol(WatchedHttp11Protocol.class.getName());
        factory.addConnectorCustomizers(connector -> {
            if (connector.getProtocolHandler() instanceof WatchedHttp11Protocol protocol) {
                protocols.add(protocol);
            }
        });
    }

    @Override
    public boolean hasGone(HttpServletRequest request) {
        for (WatchedHttp11Protocol protocol : protocols) {
            Optional<SocketWrapperBase<NioChannel>> connection =
                    protocol.connection(request.getRemoteAddr(), request.getRemotePort());
            if (connection.isPresent()) {
                return hasEnded(connection.get());
            }
        }
        // Behind a proxy that is believed about addresses, the connection is not found: nothing is known then.
        return false;
    }

    private static boolean hasEnded(SocketWrapperBase<NioChannel> connection) {
        try {
            // Reads what there is without waiting and without taking it; at the end of the stream it throws.
            var unused = connection.isReadyForRead();
            return connection.isClosed();
        } catch (IOException e) {
            return true;
        }
    }
}
