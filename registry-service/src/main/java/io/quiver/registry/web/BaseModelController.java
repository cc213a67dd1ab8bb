package io.quiver.registry.web;

import io.quiver.registry.BaseModel;
import io.quiver.registry.BaseModels;
import io.quiver.registry.Calibration;
import io.quiver.registry.ProblemCode;
import io.quiver.registry.RegisterBaseModel;
import io.quiver.registry.RegistryException;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Names;
import io.quiver.schemas.StoredFile;
import jakarta.servlet.http.HttpServletRequest;
import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Base models. */
@RestController
public final class BaseModelController {
    private final RegisterBaseModel registerBaseModel;
    private final BaseModels models;

    public BaseModelController(RegisterBaseModel registerBaseModel, BaseModels models) {
        this.registerBaseModel = registerBaseModel;
        this.models = models;
    }

    /**
     * A base model as people see it.
     *
     * @param linearModules how many linear modules an adapter may adapt
     */
    public record BaseModelView(
            String name,
            Digest digest,
            List<StoredFile> files,
            int linearModules,
            Instant registeredAt,
            Calibration calibration) {
        static BaseModelView of(BaseModel model) {
            return new BaseModelView(
                    model.name(),
                    model.digest(),
                    model.files(),
                    model.modules().linear().size(),
                    model.registeredAt(),
                    model.calibration());
        }
    }

    @PostMapping("/v1/base-models")
    public ResponseEntity<BaseModelView> register(@RequestParam String name, HttpServletRequest request) {
        RegisterBaseModel.Outcome outcome = registerBaseModel.register(name, MultipartParts.of(request));
        URI location = URI.create("/v1/base-models/" + name);
        ResponseEntity.BodyBuilder answer = outcome.created()
                ? ResponseEntity.created(location)
                : ResponseEntity.ok().location(location);
        return answer.body(BaseModelView.of(outcome.model()));
    }

    @GetMapping("/v1/base-models")
    public Page<BaseModelView> list(
            @RequestParam(defaultValue = Page.DEFAULT_LIMIT) int limit,
            @RequestParam(defaultValue = "") String cursor) {
        int size = Page.limit(limit);
        Optional<String> after = cursor.isEmpty() ? Optional.empty() : Optional.of(Page.position(cursor));
        if (after.isPresent() && !Names.isName(after.get())) {
            throw Page.invalidCursor(cursor);
        }
        List<BaseModelView> oneMore =
                models.list(after, size + 1).stream().map(BaseModelView::of).toList();
        return Page.of(oneMore, size, BaseModelView::name);
    }

    @GetMapping("/v1/base-models/{name}")
    public BaseModelView find(@PathVariable String name) {
        return models.find(name)
                .map(BaseModelView::of)
                .orElseThrow(() -> new RegistryException(
                        ProblemCode.BASE_MODEL_NOT_FOUND, "no base model '" + name + "' is registered"));
    }
}
