package io.quiver.router.web;

import io.quiver.router.BaseModel;
import io.quiver.router.Catalogue;
import io.quiver.router.CatalogueSnapshot;
import io.quiver.router.PinnedExpert;
import io.quiver.router.Reference;
import io.quiver.router.RefusalCode;
import io.quiver.router.RequestRefusedException;
import io.quiver.router.ResolveRouting;
import io.quiver.router.ServedModel;
import io.quiver.router.ServedModels;
import io.quiver.schemas.Event.AdapterCatalogued;
import io.quiver.schemas.Event.CataloguedVersion;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What can be named in a request: {@code GET /v1/models}, {@code GET /v1/models/{id}}, {@code GET /v1/experts}. */
@RestController
public final class ModelRoutes {
    private static final String OWNER = "quiver";

    private final Catalogue catalogue;
    private final ServedModels models;

    public ModelRoutes(Catalogue catalogue, ServedModels models) {
        this.catalogue = catalogue;
        this.models = models;
    }

    @GetMapping("/v1/models")
    ResponseEntity<byte[]> models() {
        CatalogueSnapshot snapshot = ready();
        ArrayNode data = Json.object().putArray("data");
        snapshot.bases().forEach(base -> data.add(card(base)));
        if (snapshot.bases().size() == 1) {
            data.add(everything(snapshot.bases().iterator().next()));
        }
        for (AdapterCatalogued adapter : snapshot.adapters()) {
            snapshot.find(new Reference.Latest(adapter.adapter()))
                    .ifPresent(expert -> data.add(card(adapter.adapter().toString(), expert, snapshot)));
        }
        ObjectNode list = Json.object().put("object", "list");
        list.set("data", data);
        return json(list);
    }

    /** One model; the id of an expert has a slash in it. */
    @GetMapping("/v1/models/{*id}")
    ResponseEntity<byte[]> model(@PathVariable("id") String id) {
        String name = id.startsWith("/") ? id.substring(1) : id;
        CatalogueSnapshot snapshot = ready();
        Optional<BaseModel> base = snapshot.base(name);
        if (base.isPresent()) {
            return json(card(base.get()));
        }
        if (name.equals(ResolveRouting.EVERYTHING) && snapshot.bases().size() == 1) {
            return json(everything(snapshot.bases().iterator().next()));
        }
        return json(card(name, find(snapshot, name), snapshot));
    }

    private static PinnedExpert find(CatalogueSnapshot snapshot, String name) {
        Optional<PinnedExpert> expert;
        try {
            expert = snapshot.find(Reference.parse(name));
        } catch (IllegalArgumentException e) {
            expert = Optional.empty();
        }
        return expert.orElseThrow(() ->
                new RequestRefusedException(RefusalCode.MODEL_NOT_FOUND, "there is no model '" + name + "'", "model"));
    }

    /** Every version that can be routed to, with what a library can select it by. */
    @GetMapping("/v1/experts")
    ResponseEntity<byte[]> experts() {
        CatalogueSnapshot snapshot = ready();
        ArrayNode data = Json.object().putArray("data");
        for (AdapterCatalogued adapter : snapshot.adapters()) {
            for (CataloguedVersion version : adapter.versions()) {
                ObjectNode expert = data.addObject()
                        .put("object", "expert")
                        .put("name", adapter.adapter().toString())
                        .put("version", version.version())
                        .put("digest", version.digest().toString())
                        .put("base", version.base().name())
                        .put("state", version.state().name())
                        .put("ready_at", version.readyAt().toString())
                        .put("resident", isResident(snapshot, version));
                ObjectNode labels = expert.putObject("labels");
                adapter.labels().forEach(labels::put);
                ArrayNode aliases = expert.putArray("aliases");
                adapter.aliases().entrySet().stream()
                        .filter(alias -> alias.getValue() == version.version())
                        .forEach(alias -> aliases.add(alias.getKey()));
            }
        }
        ObjectNode list = Json.object().put("object", "list");
        list.set("data", data);
        return json(list);
    }

    private boolean isResident(CatalogueSnapshot snapshot, CataloguedVersion version) {
        return snapshot.base(version.base())
                .flatMap(models::ifOpen)
                .map(model -> model.experts().isResident(version.digest()))
                .orElse(false);
    }

    private CatalogueSnapshot ready() {
        if (!catalogue.isReady()) {
            throw new RequestRefusedException(
                    RefusalCode.CATALOGUE_LOADING, "the router is still reading its catalogue", null);
        }
        return catalogue.snapshot();
    }

    private ObjectNode card(BaseModel base) {
        return card(base.name(), base.cataloguedAt().getEpochSecond(), OWNER)
                .put("root", base.name())
                .putNull("parent")
                .put("max_model_len", contextTokensMax(base));
    }

    private ObjectNode everything(BaseModel base) {
        return card(ResolveRouting.EVERYTHING, base.cataloguedAt().getEpochSecond(), OWNER)
                .put("root", base.name())
                .put("parent", base.name())
                .put("max_model_len", contextTokensMax(base));
    }

    private ObjectNode card(String id, PinnedExpert expert, CatalogueSnapshot snapshot) {
        return card(
                        id,
                        expert.content().readyAt().getEpochSecond(),
                        expert.adapter().namespace())
                .put("root", expert.digest().toString())
                .put("parent", expert.base().name())
                .put(
                        "max_model_len",
                        snapshot.base(expert.base()).map(this::contextTokensMax).orElse(null));
    }

    private static ObjectNode card(String id, long created, String owner) {
        return Json.object()
                .put("id", id)
                .put("object", "model")
                .put("created", created)
                .put("owned_by", owner);
    }

    /** Known once the model is open; null before. */
    private @Nullable Integer contextTokensMax(BaseModel base) {
        return models.ifOpen(base).map(ServedModel::contextTokensMax).orElse(null);
    }

    private static ResponseEntity<byte[]> json(ObjectNode body) {
        return ResponseEntity.ok().contentType(MediaType.APPLICATION_JSON).body(Json.write(body));
    }
}
