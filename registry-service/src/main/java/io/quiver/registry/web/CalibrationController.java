package io.quiver.registry.web;

import io.quiver.registry.BaseModel;
import io.quiver.registry.RequestCalibration;
import io.quiver.registry.web.BaseModelController.BaseModelView;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/** Asking for calibrations of base models. */
@RestController
public final class CalibrationController {
    private final RequestCalibration requestCalibration;

    public CalibrationController(RequestCalibration requestCalibration) {
        this.requestCalibration = requestCalibration;
    }

    /**
     * How a base model shall be calibrated.
     *
     * @param seed of the randomness in it; without one, that of every first calibration
     * @param supersede whether to begin another attempt though one is under way
     */
    public record Wish(@Nullable Long seed, @Nullable Boolean supersede) {}

    /** The body may be left out. */
    @PostMapping(path = "/v1/base-models/{name}/calibrations", consumes = MediaType.ALL_VALUE)
    public ResponseEntity<BaseModelView> request(
            @PathVariable String name, @RequestBody(required = false) @Nullable Wish wish) {
        Long seed = wish == null ? null : wish.seed();
        boolean supersede = wish != null && Boolean.TRUE.equals(wish.supersede());
        BaseModel model =
                requestCalibration.request(name, seed == null ? RequestCalibration.DEFAULT_SEED : seed, supersede);
        return ResponseEntity.accepted()
                .location(URI.create("/v1/base-models/" + name))
                .body(BaseModelView.of(model));
    }
}
