package io.quiver.router.web;

import io.quiver.router.RefusalCode;
import io.quiver.router.RequestRefusedException;
import io.quiver.router.RequestRefusedException.Violation;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.servlet.NoHandlerFoundException;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** OpenAI's error envelope: {@code {"error":{"message","type","param","code"}}}. */
@RestControllerAdvice
public final class Errors {
    private static final Logger LOG = LoggerFactory.getLogger(Errors.class);

    @ExceptionHandler(RequestRefusedException.class)
    ResponseEntity<byte[]> refused(RequestRefusedException e) {
        ResponseEntity.BodyBuilder response =
                ResponseEntity.status(e.code().status()).contentType(MediaType.APPLICATION_JSON);
        if (e.code().worthRetrying()) {
            response.header(
                    HttpHeaders.RETRY_AFTER, Long.toString(e.retryAfter().toSeconds()));
        }
        return response.body(Json.write(envelope(e)));
    }

    @ExceptionHandler(NoHandlerFoundException.class)
    ResponseEntity<byte[]> notFound(NoHandlerFoundException e) {
        return refused(new RequestRefusedException(
                RefusalCode.NOT_FOUND, "there is no " + e.getHttpMethod() + " " + e.getRequestURL(), null));
    }

    @ExceptionHandler(HttpRequestMethodNotSupportedException.class)
    ResponseEntity<byte[]> wrongMethod(HttpRequestMethodNotSupportedException e) {
        return refused(new RequestRefusedException(
                RefusalCode.METHOD_NOT_ALLOWED, "this path does not take " + e.getMethod(), null));
    }

    /** The client has gone: there is nobody to answer. */
    @ExceptionHandler(IOException.class)
    void gone(IOException e) {
        LOG.debug("a client has gone", e);
    }

    @ExceptionHandler(RuntimeException.class)
    ResponseEntity<byte[]> failed(RuntimeException e) {
        LOG.error("a request failed", e);
        return refused(hidden(e));
    }

    /** What a caller is told about any failure: its own mistakes in full, ours without the inside. */
    static RequestRefusedException told(RuntimeException e) {
        return e instanceof RequestRefusedException refused ? refused : hidden(e);
    }

    private static RequestRefusedException hidden(RuntimeException e) {
        return new RequestRefusedException(RefusalCode.INTERNAL_ERROR, "the router failed; its log says why", null, e);
    }

    /** OpenAI's fields say the first violation, the message says all; where there are several, each stands in a list as well. */
    static ObjectNode envelope(RequestRefusedException e) {
        ObjectNode envelope = Json.object();
        ObjectNode error = envelope.putObject("error")
                .put("message", e.getMessage())
                .put("type", e.code().type())
                .put("param", e.param())
                .put("code", e.code().code());
        if (e.violations().size() > 1) {
            ArrayNode violations = error.putArray("violations");
            for (Violation violation : e.violations()) {
                violations
                        .addObject()
                        .put("code", violation.code().code())
                        .put("message", violation.message())
                        .put("param", violation.param());
            }
        }
        return envelope;
    }
}
