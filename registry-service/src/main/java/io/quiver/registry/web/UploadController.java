package io.quiver.registry.web;

import io.quiver.registry.AdapterVersion;
import io.quiver.registry.RecomputePrototypes;
import io.quiver.registry.RegisterAdapter;
import io.quiver.schemas.AdapterName;
import jakarta.servlet.http.HttpServletRequest;
import java.net.URI;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** Uploading versions of adapters, and sending them to the workers again. */
@RestController
public final class UploadController {
    private final RegisterAdapter registerAdapter;
    private final RecomputePrototypes recomputePrototypes;

    public UploadController(RegisterAdapter registerAdapter, RecomputePrototypes recomputePrototypes) {
        this.registerAdapter = registerAdapter;
        this.recomputePrototypes = recomputePrototypes;
    }

    @PostMapping("/v1/adapters/{namespace}/{name}/versions")
    public ResponseEntity<AdapterVersion> upload(
            @PathVariable String namespace, @PathVariable String name, HttpServletRequest request) {
        AdapterName adapter = PathNames.adapter(namespace, name);
        RegisterAdapter.Outcome outcome = registerAdapter.register(adapter, MultipartParts.of(request));
        AdapterVersion version = outcome.version();
        URI location = URI.create("/v1/adapters/" + adapter + "/versions/" + version.version());
        ResponseEntity.BodyBuilder answer = outcome.created()
                ? ResponseEntity.created(location)
                : ResponseEntity.ok().location(location);
        return answer.eTag(AdapterController.eTag(version)).body(version);
    }

    @PostMapping("/v1/adapters/{namespace}/{name}/versions:validate")
    public RegisterAdapter.DryRun validate(
            @PathVariable String namespace, @PathVariable String name, HttpServletRequest request) {
        PathNames.adapter(namespace, name);
        return registerAdapter.validate(MultipartParts.of(request));
    }

    @PostMapping("/v1/adapters/{namespace}/{name}/versions/{version}:recompute")
    public ResponseEntity<AdapterVersion> recompute(
            @PathVariable String namespace, @PathVariable String name, @PathVariable String version) {
        return ResponseEntity.accepted()
                .body(recomputePrototypes.recompute(PathNames.adapter(namespace, name), PathNames.version(version)));
    }
}
