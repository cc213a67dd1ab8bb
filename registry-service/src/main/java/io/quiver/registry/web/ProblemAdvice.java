package io.quiver.registry.web;

import io.quiver.lora.peft.Violation;
import io.quiver.objectstore.ObjectStoreException;
import io.quiver.registry.ProblemCode;
import io.quiver.registry.RegistryException;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.TypeMismatchException;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.transaction.TransactionException;
import org.springframework.web.ErrorResponse;
import org.springframework.web.HttpMediaTypeNotAcceptableException;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.async.AsyncRequestNotUsableException;
import org.springframework.web.servlet.NoHandlerFoundException;
import org.springframework.web.servlet.resource.NoResourceFoundException;

/** Every exception as a problem: what the caller did wrong with its code, what we did wrong without its inside. */
@RestControllerAdvice
public final class ProblemAdvice {
    private static final Logger LOG = LoggerFactory.getLogger(ProblemAdvice.class);
    private static final String RETRY_AFTER_SECONDS = "5";

    @ExceptionHandler
    ResponseEntity<Problem> refused(RegistryException e, HttpServletRequest request) {
        return answer(e.code(), String.valueOf(e.getMessage()), request, e.violations());
    }

    @ExceptionHandler({NoHandlerFoundException.class, NoResourceFoundException.class})
    ResponseEntity<Problem> noRoute(HttpServletRequest request) {
        return answer(ProblemCode.ROUTE_UNKNOWN, "there is no " + request.getRequestURI(), request);
    }

    @ExceptionHandler
    ResponseEntity<Problem> noMethod(HttpRequestMethodNotSupportedException e, HttpServletRequest request) {
        ResponseEntity<Problem> answer =
                answer(ProblemCode.METHOD_NOT_ALLOWED, String.valueOf(e.getMessage()), request);
        return ResponseEntity.status(answer.getStatusCode())
                .headers(answer.getHeaders())
                .headers(e.getHeaders())
                .body(answer.getBody());
    }

    @ExceptionHandler
    ResponseEntity<Problem> mediaType(HttpMediaTypeNotSupportedException e, HttpServletRequest request) {
        return answer(ProblemCode.MEDIA_TYPE_UNSUPPORTED, String.valueOf(e.getMessage()), request);
    }

    @ExceptionHandler
    ResponseEntity<Problem> notAcceptable(HttpMediaTypeNotAcceptableException e, HttpServletRequest request) {
        return answer(ProblemCode.NOT_ACCEPTABLE, String.valueOf(e.getMessage()), request);
    }

    @ExceptionHandler
    ResponseEntity<Problem> unreadable(HttpMessageNotReadableException e, HttpServletRequest request) {
        return answer(ProblemCode.REQUEST_INVALID, "the body is not the JSON that is wanted here", request);
    }

    @ExceptionHandler
    ResponseEntity<Problem> mismatch(TypeMismatchException e, HttpServletRequest request) {
        return answer(ProblemCode.REQUEST_INVALID, e.getPropertyName() + " cannot be '" + e.getValue() + "'", request);
    }

    @ExceptionHandler({ObjectStoreException.class, DataAccessException.class, TransactionException.class})
    ResponseEntity<Problem> storeAway(Exception e, HttpServletRequest request) {
        LOG.error("{} {} could not be served", request.getMethod(), request.getRequestURI(), e);
        ResponseEntity<Problem> answer = answer(
                ProblemCode.STORE_UNAVAILABLE, "the object store or the database did not answer; try again", request);
        return ResponseEntity.status(answer.getStatusCode())
                .headers(answer.getHeaders())
                .header(HttpHeaders.RETRY_AFTER, RETRY_AFTER_SECONDS)
                .body(answer.getBody());
    }

    /** The client is gone: there is nobody to answer. */
    @ExceptionHandler(AsyncRequestNotUsableException.class)
    void gone() {
        LOG.debug("a client left before its answer was complete");
    }

    @ExceptionHandler
    ResponseEntity<Problem> other(Exception e, HttpServletRequest request) {
        if (e instanceof ErrorResponse response && response.getStatusCode().is4xxClientError()) {
            return answer(ProblemCode.REQUEST_INVALID, String.valueOf(e.getMessage()), request);
        }
        LOG.error("{} {} failed", request.getMethod(), request.getRequestURI(), e);
        return answer(ProblemCode.INTERNAL_ERROR, "this is a fault of the registry, it is in its log", request);
    }

    private static ResponseEntity<Problem> answer(ProblemCode code, String detail, HttpServletRequest request) {
        return answer(code, detail, request, List.of());
    }

    private static ResponseEntity<Problem> answer(
            ProblemCode code, String detail, HttpServletRequest request, List<Violation> violations) {
        return Problem.of(code, detail, request.getRequestURI(), violations).toResponse();
    }
}
