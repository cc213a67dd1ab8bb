package io.quiver.standalone;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.springframework.boot.Banner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.context.ConfigurableApplicationContext;

/** One of Quiver's services: an ordinary Spring Boot application that reads its own settings file and has its own context. */
enum Service {
    REGISTRY("registry", "io.quiver.registry.RegistryApplication", ""),
    WORKER("worker", "io.quiver.worker.WorkerApplication", Service.WITHOUT_DATABASE),
    ROUTER("router", "io.quiver.router.RouterApplication", Service.WITHOUT_DATABASE);

    /** The registry's database libraries lie on the one class path; a service without a database must not configure one. */
    private static final String WITHOUT_DATABASE =
            "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration,"
                    + "org.springframework.boot.flyway.autoconfigure.FlywayAutoConfiguration";

    private final String label;
    private final String application;
    private final String excludedAutoConfigurations;

    Service(String label, String application, String excludedAutoConfigurations) {
        this.label = label;
        this.application = application;
        this.excludedAutoConfigurations = excludedAutoConfigurations;
    }

    /** Its name, which is also that of its settings file. */
    String label() {
        return label;
    }

    /** Starts it on 127.0.0.1 with these settings, {@code key=value} each, above those of its own file. */
    ConfigurableApplicationContext start(int port, List<String> settings) {
        var arguments = new ArrayList<String>();
        arguments.add("--spring.config.name=" + label);
        arguments.add("--server.address=127.0.0.1");
        arguments.add("--server.port=" + port);
        arguments.add("--spring.lifecycle.timeout-per-shutdown-phase=2s");
        if (!excludedAutoConfigurations.isEmpty()) {
            arguments.add("--spring.autoconfigure.exclude=" + excludedAutoConfigurations);
        }
        settings.forEach(setting -> arguments.add("--" + setting));
        var spring = new SpringApplication();
        spring.setSources(Set.of(application));
        spring.setWebApplicationType(WebApplicationType.SERVLET);
        spring.setBannerMode(Banner.Mode.OFF);
        // The stack stops its services in their order.
        spring.setRegisterShutdownHook(false);
        return spring.run(arguments.toArray(String[]::new));
    }
}
