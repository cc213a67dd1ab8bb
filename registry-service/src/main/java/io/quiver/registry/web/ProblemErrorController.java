package io.quiver.registry.web;

import io.quiver.registry.ProblemCode;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import org.springframework.boot.webmvc.error.ErrorController;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Answers what failed before it came to a controller, as a problem like all others. */
@RestController
public final class ProblemErrorController implements ErrorController {
    @RequestMapping("/error")
    ResponseEntity<Problem> error(HttpServletRequest request) {
        Object status = request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE);
        Object path = request.getAttribute(RequestDispatcher.ERROR_REQUEST_URI);
        ProblemCode code = ProblemCode.INTERNAL_ERROR;
        if (Integer.valueOf(404).equals(status)) {
            code = ProblemCode.ROUTE_UNKNOWN;
        } else if (status instanceof Integer number && number >= 400 && number < 500) {
            code = ProblemCode.REQUEST_INVALID;
        }
        return Problem.of(code, code.title(), path == null ? null : path.toString(), List.of())
                .toResponse();
    }
}
