package io.quiver.embedded;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An S3 server in this program, on 127.0.0.1 only, with signed requests (AWS signature 4). Buckets are directories under
 * {@code buckets}, objects files in them. Content types and user metadata live in extended attributes: on a file system
 * without those they are lost, the bytes are not.
 */
public final class EmbeddedS3 implements EmbeddedServer {
    private static final Logger log = LoggerFactory.getLogger(EmbeddedS3.class);
    private static final String ACCESS_KEY = "quiver";
    private static final long STOP_LIMIT_MILLIS = 2_000;
    private static final int THREADS_MAX = 64;

    private final S3Proxy server;
    private final int port;
    private final String secretKey;
    private final AtomicBoolean closed = new AtomicBoolean();

    private EmbeddedS3(S3Proxy server, int port, String secretKey) {
        this.server = server;
        this.port = port;
        this.secretKey = secretKey;
    }

    /** Starts a server, drawing its secret key at the first start. Returns when it accepts requests. */
    public static EmbeddedS3 start(ServerSettings settings) {
        int port = settings.freePort("the S3 server");
        try {
            Path buckets = Files.createDirectories(settings.dir().resolve("buckets"));
            String secretKey = Secret.keptIn(settings.dir().resolve("secret-key"));
            S3Proxy server = S3Proxy.builder()
                    .blobStore(new FilesystemNio2BlobStore(buckets.toString()))
                    .endpoint(URI.create("http://127.0.0.1:" + port))
                    .awsAuthentication(AuthenticationType.AWS_V4, ACCESS_KEY, secretKey)
                    .jettyMaxThreads(THREADS_MAX)
                    .stopTimeout(STOP_LIMIT_MILLIS)
                    .build();
            server.start();
            return new EmbeddedS3(server, port, secretKey);
        } catch (Exception e) {
            throw new EmbeddedServerException(
                    "the S3 server in " + settings.dir() + " does not start: " + e.getMessage(), e);
        }
    }

    /** {@code http://127.0.0.1:PORT}. */
    public String endpoint() {
        return "http://127.0.0.1:" + port;
    }

    public String accessKey() {
        return ACCESS_KEY;
    }

    public String secretKey() {
        return secretKey;
    }

    public int port() {
        return port;
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try {
            server.stop();
        } catch (TimeoutException e) {
            // It has stopped; what has not ended by itself within the limit was cut off.
            log.debug("the S3 server cut off the requests that were under way", e);
        } catch (Exception e) {
            throw new EmbeddedServerException("the S3 server does not stop", e);
        }
    }
}
