package io.quiver.router.web;

import io.quiver.router.BaseModel;
import io.quiver.router.Catalogue;
import io.quiver.router.DecodeScheduler;
import io.quiver.router.ExpertPool;
import io.quiver.router.ResidentEvidence;
import io.quiver.router.ServedModel;
import io.quiver.router.ServedModels;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code GET /v1/memory}: what each open base model holds, and how much it may. */
@RestController
public final class MemoryRoutes {
    private final Catalogue catalogue;
    private final ServedModels models;

    public MemoryRoutes(Catalogue catalogue, ServedModels models) {
        this.catalogue = catalogue;
        this.models = models;
    }

    @GetMapping("/v1/memory")
    ResponseEntity<byte[]> memory() {
        ObjectNode list = Json.object().put("object", "list");
        ArrayNode data = list.putArray("data");
        for (BaseModel base : catalogue.snapshot().bases()) {
            models.ifOpen(base).ifPresent(model -> data.add(of(model)));
        }
        return ResponseEntity.ok().contentType(MediaType.APPLICATION_JSON).body(Json.write(list));
    }

    private static ObjectNode of(ServedModel model) {
        DecodeScheduler.Load load = model.scheduler().load();
        ObjectNode node = Json.object().put("id", model.base().name()).put("object", "memory");
        node.putObject("texts").put("running", load.running()).put("waiting", load.waiting());
        node.putObject("cache")
                .put("limit_bytes", load.cacheBytesMax())
                .put("reserved_bytes", load.reservedBytes())
                .put("prefix_bytes", load.prefixBytes())
                .put("prefixes", load.prefixes());
        ExpertPool.Load experts = model.experts().load();
        node.putObject("experts")
                .put("limit_bytes", experts.bytesMax())
                .put("resident_bytes", experts.residentBytes())
                .put("resident", experts.resident())
                .put("in_use", experts.inUse());
        ResidentEvidence.Load evidence = model.evidence().load();
        node.putObject("evidence")
                .put("calibrations", evidence.calibrations())
                .put("experts", evidence.experts())
                .put("resident_bytes", evidence.residentBytes());
        return node;
    }
}
