package io.quiver.registry.web;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.quiver.lora.peft.Violation;
import io.quiver.registry.ProblemCode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;

/**
 * The answer to a request that failed, RFC 9457.
 *
 * @param type {@code urn:quiver:problem:<code>}
 * @param instance the path that was asked for
 * @param violations everything that is wrong with an upload, at once
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Problem(
        String type,
        String title,
        int status,
        String detail,
        @Nullable String instance,
        String code,
        List<Violation> violations) {
    static Problem of(ProblemCode code, String detail, @Nullable String instance, List<Violation> violations) {
        return new Problem(
                "urn:quiver:problem:" + code.code(),
                code.title(),
                code.status(),
                detail,
                instance,
                code.code(),
                violations);
    }

    ResponseEntity<Problem> toResponse() {
        return ResponseEntity.status(status)
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .body(this);
    }
}
