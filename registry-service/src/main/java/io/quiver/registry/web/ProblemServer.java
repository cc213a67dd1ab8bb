package io.quiver.registry.web;

import io.quiver.registry.ProblemCode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.valves.ErrorReportValve;
import org.apache.tomcat.util.buf.EncodedSolidusHandling;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.core.Ordered;
import org.springframework.http.MediaType;
import tools.jackson.databind.json.JsonMapper;

/**
 * Makes Tomcat leave encoded slashes to us, so that a name with one is refused as a name, and answer what it refuses by itself
 * as a problem like all others.
 */
public final class ProblemServer implements WebServerFactoryCustomizer<TomcatServletWebServerFactory>, Ordered {
    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        factory.addConnectorCustomizers(connector -> {
            connector.setEncodedSolidusHandling(EncodedSolidusHandling.PASS_THROUGH.getValue());
            connector.setEncodedReverseSolidusHandling(EncodedSolidusHandling.PASS_THROUGH.getValue());
        });
        factory.addContextCustomizers(context -> {
            if (context.getParent() instanceof StandardHost host) {
                host.setErrorReportValveClass(ProblemValve.class.getName());
            }
        });
    }

    /** After Boot's own customizers. */
    @Override
    public int getOrder() {
        return Ordered.LOWEST_PRECEDENCE;
    }

    /** What Tomcat refuses before any servlet sees it. Made by Tomcat, by its name. */
    public static final class ProblemValve extends ErrorReportValve {
        private static final JsonMapper JSON = JsonMapper.shared();

        @Override
        protected void report(Request request, Response response, Throwable throwable) {
            int status = response.getStatus();
            if (status < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
                return;
            }
            ProblemCode code = status < 500 ? ProblemCode.REQUEST_INVALID : ProblemCode.INTERNAL_ERROR;
            Problem problem = Problem.of(code, code.title(), null, List.of());
            try {
                response.setStatus(problem.status());
                response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
                response.setCharacterEncoding(StandardCharsets.UTF_8);
                response.getReporter().write(JSON.writeValueAsString(problem));
                response.finishResponse();
            } catch (IOException | IllegalStateException e) {
                response.setSuspended(true);
            }
        }
    }
}
