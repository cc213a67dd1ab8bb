package io.quiver.router.tomcat;

import java.util.Optional;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.SocketWrapperBase;

/** Tomcat's HTTP/1.1 whose connections can be looked at while their requests are being answered. Made by Tomcat, by its name. */
public final class WatchedHttp11Protocol extends Http11NioProtocol {
    private final NioEndpoint endpoint;

    public WatchedHttp11Protocol() {
        this(new NioEndpoint());
    }

    private WatchedHttp11Protocol(NioEndpoint endpoint) {
        super(endpoint);
        this.endpoint = endpoint;
    }

    /** The open connection from an address and port. */
    Optional<SocketWrapperBase<NioChannel>> connection(String remoteAddress, int remotePort) {
        return endpoint.getConnections().stream()
                .filter(each -> each.getRemotePort() == remotePort && remoteAddress.equals(each.getRemoteAddr()))
                .findAny();
    }
}
