package io.quiver.router.web;

import io.quiver.router.ExplainRouting;
import io.quiver.router.ExplainRouting.Explanation;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.List;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** {@code POST /v1/routing:explain}: one prompt under several routings, side by side. */
@RestController
public final class ExplainRoutes {
    private final ExplainRouting explain;
    private final int bodyBytesMax;

    public ExplainRoutes(ExplainRouting explain, int bodyBytesMax) {
        this.explain = explain;
        this.bodyBytesMax = bodyBytesMax;
    }

    @PostMapping("/v1/routing:explain")
    ResponseEntity<byte[]> explain(HttpServletRequest request) throws IOException, InterruptedException {
        ExplainRequest wanted = ExplainRequest.read(Json.read(request, bodyBytesMax));
        List<Explanation> explanations = explain.explain(
                wanted.model(), wanted.prompt(), wanted.variants(), wanted.modules(), request.getRemoteAddr());
        return ResponseEntity.ok()
                .contentType(MediaType.APPLICATION_JSON)
                .body(Json.write(ExplanationJson.of(wanted, explanations)));
    }
}
