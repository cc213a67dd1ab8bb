package io.quiver.router;

import io.quiver.schemas.AdapterName;
import io.quiver.schemas.AdapterState;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterCatalogued;
import io.quiver.schemas.Event.BaseModelCatalogued;
import io.quiver.schemas.Event.CataloguedVersion;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;

/** The whole catalogue at one moment. Immutable: a request that holds one is not touched by what happens later. */
public final class CatalogueSnapshot {
    public static final CatalogueSnapshot EMPTY = new CatalogueSnapshot(new TreeMap<>(), new TreeMap<>());

    private static final String BASE_PREFIX = "base/";

    private final SortedMap<String, BaseModel> bases;
    private final SortedMap<AdapterName, AdapterCatalogued> adapters;
    private final Map<Digest, PinnedExpert> byDigest;

    private CatalogueSnapshot(SortedMap<String, BaseModel> bases, SortedMap<AdapterName, AdapterCatalogued> adapters) {
        this.bases = Collections.unmodifiableSortedMap(bases);
        this.adapters = Collections.unmodifiableSortedMap(adapters);
        this.byDigest = new HashMap<>();
        // The same content under two names is one expert; the first name in order stands for it.
        adapters.forEach((name, adapter) -> adapter.versions()
                .forEach(version -> byDigest.putIfAbsent(version.digest(), new PinnedExpert(name, version))));
    }

    /** The catalogue after some changes, in their order. */
    public CatalogueSnapshot with(List<CatalogueChange> changes) {
        SortedMap<String, BaseModel> newBases = new TreeMap<>(bases);
        SortedMap<AdapterName, AdapterCatalogued> newAdapters = new TreeMap<>(adapters);
        for (CatalogueChange change : changes) {
            if (change instanceof CatalogueChange.Removed removed) {
                newBases.remove(withoutPrefix(removed.key()));
                newAdapters.keySet().removeIf(name -> name.toString().equals(removed.key()));
            } else if (change instanceof CatalogueChange.Replaced replaced) {
                if (replaced.event() instanceof AdapterCatalogued adapter) {
                    newAdapters.put(adapter.adapter(), adapter);
                } else if (replaced.event() instanceof BaseModelCatalogued base) {
                    newBases.put(
                            base.base().name(),
                            new BaseModel(
                                    base.base(),
                                    base.files(),
                                    replaced.time(),
                                    Optional.ofNullable(base.calibration())));
                } else {
                    throw new IllegalArgumentException("no event of the catalogue: " + replaced.event());
                }
            }
        }
        return new CatalogueSnapshot(newBases, newAdapters);
    }

    private static String withoutPrefix(String key) {
        return key.startsWith(BASE_PREFIX) ? key.substring(BASE_PREFIX.length()) : "";
    }

    public Collection<BaseModel> bases() {
        return bases.values();
    }

    public Optional<BaseModel> base(String name) {
        return Optional.ofNullable(bases.get(name));
    }

    /** The base model that has that name and still that content. */
    public Optional<BaseModel> base(BaseModelRef ref) {
        return base(ref.name()).filter(base -> base.digest().equals(ref.digest()));
    }

    /** All adapters, by name. */
    public Collection<AdapterCatalogued> adapters() {
        return adapters.values();
    }

    /** The expert that a reference means now. */
    public Optional<PinnedExpert> find(Reference reference) {
        if (reference instanceof Reference.Latest latest) {
            return Optional.ofNullable(adapters.get(latest.adapter())).flatMap(adapter -> newest(adapter, any -> true));
        }
        if (reference instanceof Reference.Numbered numbered) {
            return version(numbered.adapter(), numbered.version());
        }
        if (reference instanceof Reference.Aliased aliased) {
            return Optional.ofNullable(adapters.get(aliased.adapter()))
                    .map(adapter -> adapter.aliases().get(aliased.alias()))
                    .flatMap(version -> version(aliased.adapter(), version));
        }
        if (reference instanceof Reference.ByDigest byContent) {
            return Optional.ofNullable(byDigest.get(byContent.digest()));
        }
        throw new IllegalStateException("unknown reference " + reference);
    }

    /** The newest ready version, on that base, of each adapter whose labels fit; by name. */
    public List<PinnedExpert> select(BaseModelRef base, Predicate<Map<String, String>> labels) {
        return adapters.values().stream()
                .filter(adapter -> labels.test(adapter.labels()))
                .flatMap(adapter -> newest(adapter, version -> version.base().equals(base)).stream())
                .toList();
    }

    private static Optional<PinnedExpert> newest(AdapterCatalogued adapter, Predicate<CataloguedVersion> fits) {
        return adapter.versions().stream()
                .filter(version -> version.state() == AdapterState.READY && fits.test(version))
                .max(Comparator.comparingInt(CataloguedVersion::version))
                .map(version -> new PinnedExpert(adapter.adapter(), version));
    }

    private Optional<PinnedExpert> version(AdapterName name, int number) {
        return Optional.ofNullable(adapters.get(name)).stream()
                .flatMap(adapter -> adapter.versions().stream())
                .filter(version -> version.version() == number)
                .map(version -> new PinnedExpert(name, version))
                .findFirst();
    }
}
