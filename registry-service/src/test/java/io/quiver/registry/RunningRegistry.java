package io.quiver.registry;

import io.quiver.embedded.EmbeddedStack;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreSettings;
import io.quiver.objectstore.minio.MinioObjectStore;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.ConfigurableEnvironment;

/**
 * The real registry on a real PostgreSQL, broker and object store. The shared one lives as long as the JVM; tests keep apart by
 * the names of what they upload.
 */
public final class RunningRegistry implements AutoCloseable {
    /** Small enough to be exceeded by tests. */
    static final int WEIGHTS_BYTES_MAX = 1 << 20;

    static final int CONFIG_BYTES_MAX = 1 << 14;
    static final int ADAPTER_PARTS_MAX = 6;

    private static final AtomicInteger NAMES = new AtomicInteger();

    private final ConfigurableApplicationContext context;
    private final RegistryHttp http;

    private RunningRegistry(ConfigurableApplicationContext context) {
        this.context = context;
        this.http =
                new RegistryHttp(URI.create("http://127.0.0.1:" + environment().getProperty("local.server.port")));
    }

    public static RunningRegistry shared() {
        return Shared.REGISTRY;
    }

    /** Another replica on the same database, broker and store, unless the settings say otherwise. */
    public static RunningRegistry start(String... settings) {
        EmbeddedStack stack = EmbeddedStack.shared();
        List<String> arguments = new ArrayList<>(List.of(
                "--server.port=0",
                "--spring.main.banner-mode=off",
                "--quiver.kafka.bootstrap-servers=" + stack.kafka().bootstrapServers(),
                "--quiver.object-store.endpoint=" + stack.s3().endpoint(),
                "--quiver.object-store.access-key=" + stack.s3().accessKey(),
                "--quiver.object-store.secret-key=" + stack.s3().secretKey(),
                "--spring.datasource.url=" + stack.postgres().jdbcUrl(),
                "--spring.datasource.username=" + stack.postgres().user(),
                "--spring.datasource.password=" + stack.postgres().password(),
                "--quiver.registry.uploads.weights=" + WEIGHTS_BYTES_MAX + "B",
                "--quiver.registry.uploads.config=" + CONFIG_BYTES_MAX + "B",
                "--quiver.registry.uploads.adapter-parts=" + ADAPTER_PARTS_MAX,
                "--quiver.registry.events.heartbeat=200ms",
                "--quiver.registry.events.subscribers-max=8",
                "--quiver.registry.retry-for=1s"));
        for (String setting : settings) {
            String name = setting.substring(0, setting.indexOf('=') + 1);
            arguments.removeIf(argument -> argument.startsWith(name));
            arguments.add(setting);
        }
        return new RunningRegistry(RegistryApplication.builder().run(arguments.toArray(new String[0])));
    }

    public RegistryHttp http() {
        return http;
    }

    public <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    public <T> T namedBean(String name, Class<T> type) {
        return context.getBean(name, type);
    }

    public <T> Map<String, T> beansOf(Class<T> type) {
        return context.getBeansOfType(type);
    }

    public ConfigurableEnvironment environment() {
        return context.getEnvironment();
    }

    /** The object store as another program sees it. */
    public static ObjectStore store() {
        return Shared.STORE;
    }

    /** A name that no other test uses. */
    public static String unique(String what) {
        return what + "-" + NAMES.incrementAndGet();
    }

    @Override
    public void close() {
        context.close();
    }

    private static final class Shared {
        static final RunningRegistry REGISTRY = start();
        static final ObjectStore STORE = connect();

        private static ObjectStore connect() {
            EmbeddedStack stack = EmbeddedStack.shared();
            return new MinioObjectStore(new ObjectStoreSettings(
                    stack.s3().endpoint(), stack.s3().accessKey(), stack.s3().secretKey(), "quiver", "us-east-1"));
        }
    }
}
