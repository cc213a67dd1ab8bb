package io.quiver.router.web;

import io.quiver.router.ReportRoutability;
import io.quiver.router.ReportRoutability.Report;
import jakarta.servlet.http.HttpServletRequest;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** {@code GET /v1/routability}: what is to be expected of each expert of a library that is routed by evidence. */
@RestController
public final class RoutabilityRoutes {
    private final ReportRoutability report;

    public RoutabilityRoutes(ReportRoutability report) {
        this.report = report;
    }

    @GetMapping("/v1/routability")
    ResponseEntity<byte[]> report(HttpServletRequest request) throws InterruptedException {
        RoutabilityRequest wanted = RoutabilityRequest.read(request.getParameterMap());
        Report made = report.report(wanted.model(), wanted.library(), wanted.examplesMax(), request.getRemoteAddr());
        return ResponseEntity.ok().contentType(MediaType.APPLICATION_JSON).body(Json.write(RoutabilityJson.of(made)));
    }
}
