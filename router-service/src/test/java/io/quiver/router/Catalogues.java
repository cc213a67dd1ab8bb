package io.quiver.router;

import io.quiver.schemas.AdapterName;
import io.quiver.schemas.AdapterState;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterCatalogued;
import io.quiver.schemas.Event.BaseModelCatalogued;
import io.quiver.schemas.Event.CataloguedVersion;
import io.quiver.schemas.PrototypeFileRef;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Catalogues for tests that need names and digests but no files. */
final class Catalogues {
    static final Instant TIME = Instant.parse("2026-11-22T00:00:00Z");

    private Catalogues() {}

    static Digest digest(String text) {
        return Digest.of(text.getBytes(StandardCharsets.UTF_8));
    }

    static BaseModelRef base(String name) {
        return new BaseModelRef(name, digest("base " + name));
    }

    static CataloguedVersion version(int number, String base, String content, AdapterState state) {
        return new CataloguedVersion(
                number,
                digest(content),
                state,
                base(base),
                List.of(),
                new PrototypeFileRef("arrow-v1", "prototypes/x/arrow-v1.safetensors", digest("p"), 1),
                TIME);
    }

    static CatalogueChange adapter(
            String name, Map<String, String> labels, Map<String, Integer> aliases, CataloguedVersion... versions) {
        return new CatalogueChange.Replaced(
                new AdapterCatalogued(AdapterName.parse(name), labels, aliases, List.of(versions)), TIME);
    }

    static CatalogueChange baseModel(String name) {
        return new CatalogueChange.Replaced(new BaseModelCatalogued(base(name), List.of()), TIME);
    }
}
