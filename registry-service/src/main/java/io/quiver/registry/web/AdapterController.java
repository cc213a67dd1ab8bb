package io.quiver.registry.web;

import io.quiver.registry.Adapter;
import io.quiver.registry.AdapterVersion;
import io.quiver.registry.Adapters;
import io.quiver.registry.ModuleSummary;
import io.quiver.registry.MoveAlias;
import io.quiver.registry.ProblemCode;
import io.quiver.registry.RegistryException;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Digest;
import io.quiver.schemas.LabelSelector;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.json.JsonMapper;

/** Reading adapters, versions and prototypes. */
@RestController
public final class AdapterController {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int VERSIONS_IN_ADAPTER = 100;

    private final Adapters adapters;

    public AdapterController(Adapters adapters) {
        this.adapters = adapters;
    }

    /**
     * An adapter with its newest versions.
     *
     * @param versions newest first, at most 100
     */
    public record AdapterDetails(
            AdapterName adapter,
            Map<String, String> labels,
            Map<String, Integer> aliases,
            @Nullable Integer latest,
            @Nullable AdapterVersion newest,
            Instant createdAt,
            List<AdapterVersion> versions) {}

    /**
     * The prototypes of a version, without their vectors.
     *
     * @param digest of the prototype file
     */
    public record PrototypesSummary(
            AdapterName adapter, int version, String algorithm, Digest digest, List<ModuleSummary> modules) {}

    @GetMapping("/v1/adapters")
    public Page<Adapter> search(
            @RequestParam(defaultValue = "") String selector,
            @RequestParam(defaultValue = Page.DEFAULT_LIMIT) int limit,
            @RequestParam(defaultValue = "") String cursor) {
        int size = Page.limit(limit);
        Optional<AdapterName> after = Optional.empty();
        if (!cursor.isEmpty()) {
            try {
                after = Optional.of(AdapterName.parse(Page.position(cursor)));
            } catch (IllegalArgumentException e) {
                throw Page.invalidCursor(cursor);
            }
        }
        return Page.of(
                adapters.search(selector(selector), after, size + 1),
                size,
                adapter -> adapter.adapter().toString());
    }

    /** The empty text selects all. */
    private static LabelSelector selector(String text) {
        try {
            return text.isBlank() ? LabelSelector.ALL : LabelSelector.parse(text);
        } catch (IllegalArgumentException e) {
            throw new RegistryException(ProblemCode.SELECTOR_INVALID, String.valueOf(e.getMessage()));
        }
    }

    @GetMapping("/v1/adapters/{namespace}/{name}")
    public AdapterDetails adapter(@PathVariable String namespace, @PathVariable String name) {
        Adapter adapter = find(PathNames.adapter(namespace, name));
        return new AdapterDetails(
                adapter.adapter(),
                adapter.labels(),
                adapter.aliases(),
                adapter.latest(),
                adapter.newest(),
                adapter.createdAt(),
                adapters.versions(adapter.adapter(), Integer.MAX_VALUE, VERSIONS_IN_ADAPTER));
    }

    @GetMapping("/v1/adapters/{namespace}/{name}/versions")
    public Page<AdapterVersion> versions(
            @PathVariable String namespace,
            @PathVariable String name,
            @RequestParam(defaultValue = Page.DEFAULT_LIMIT) int limit,
            @RequestParam(defaultValue = "") String cursor) {
        int size = Page.limit(limit);
        Adapter adapter = find(PathNames.adapter(namespace, name));
        int before = Integer.MAX_VALUE;
        if (!cursor.isEmpty()) {
            String position = Page.position(cursor);
            if (!position.matches("[1-9][0-9]{0,8}")) {
                throw Page.invalidCursor(cursor);
            }
            before = Integer.parseInt(position);
        }
        return Page.of(
                adapters.versions(adapter.adapter(), before, size + 1),
                size,
                version -> Integer.toString(version.version()));
    }

    @GetMapping("/v1/adapters/{namespace}/{name}/versions/{version}")
    public ResponseEntity<AdapterVersion> version(
            @PathVariable String namespace, @PathVariable String name, @PathVariable String version) {
        AdapterVersion found = find(PathNames.adapter(namespace, name), version);
        return ResponseEntity.ok().eTag(eTag(found)).body(found);
    }

    @GetMapping("/v1/adapters/{namespace}/{name}/versions/{version}/prototypes")
    public PrototypesSummary prototypes(
            @PathVariable String namespace, @PathVariable String name, @PathVariable String version) {
        AdapterVersion found = find(PathNames.adapter(namespace, name), version);
        if (found.prototypes() == null) {
            throw new RegistryException(
                    ProblemCode.VERSION_NOT_READY,
                    found.adapter() + ":" + found.version() + " is " + found.state() + " and has no prototypes");
        }
        return new PrototypesSummary(
                found.adapter(),
                found.version(),
                found.prototypes().algorithm(),
                found.prototypes().digest(),
                adapters.modules(found.adapter(), found.version()));
    }

    /** Changes whenever anything about the version does. */
    static String eTag(AdapterVersion version) {
        return "\"" + Digest.of(JSON.writeValueAsBytes(version)).abbreviated() + "\"";
    }

    private Adapter find(AdapterName adapter) {
        return adapters.find(adapter)
                .orElseThrow(
                        () -> new RegistryException(ProblemCode.ADAPTER_UNKNOWN, "there is no adapter " + adapter));
    }

    private AdapterVersion find(AdapterName adapter, String version) {
        if (version.equals(MoveAlias.LATEST)) {
            return adapters.findLatest(find(adapter).adapter())
                    .orElseThrow(() -> new RegistryException(
                            ProblemCode.VERSION_UNKNOWN, "no version of " + adapter + " is ready"));
        }
        return adapters.find(adapter, PathNames.version(version))
                .orElseThrow(() -> new RegistryException(
                        adapters.find(adapter).isEmpty() ? ProblemCode.ADAPTER_UNKNOWN : ProblemCode.VERSION_UNKNOWN,
                        "there is no " + adapter + ":" + version));
    }
}
