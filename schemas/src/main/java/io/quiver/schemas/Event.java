package io.quiver.schemas;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Everything that the services tell each other. Each is data only: digests and names, never bytes of weights. */
public sealed interface Event {
    /** The Kafka key: events with one key are delivered in order. */
    String key();

    /** The CloudEvents subject: what the event is about. */
    String subject();

    /** Events about one version of an adapter. */
    sealed interface AboutVersion extends Event
            permits AdapterUploaded,
                    PrototypesStarted,
                    PrototypesComputed,
                    PrototypesFailed,
                    AdapterComputing,
                    AdapterReady,
                    AdapterFailed {
        AdapterName adapter();

        int version();

        Digest digest();

        @Override
        default String key() {
            return adapter().toString();
        }

        @Override
        default String subject() {
            return adapter() + "/versions/" + version();
        }
    }

    /** A new version was committed with all of its files. Registry to workers, and to whoever subscribes. */
    record AdapterUploaded(
            AdapterName adapter,
            int version,
            Digest digest,
            BaseModelRef base,
            List<StoredFile> files,
            Instant uploadedAt)
            implements AboutVersion {
        public AdapterUploaded {
            files = List.copyOf(files);
        }
    }

    /** A worker began to compute the prototypes. Worker to registry. */
    record PrototypesStarted(AdapterName adapter, int version, Digest digest, String algorithm, String worker)
            implements AboutVersion {}

    /** The prototype file lies in the object store. Worker to registry. */
    record PrototypesComputed(
            AdapterName adapter,
            int version,
            Digest digest,
            PrototypeFileRef prototypes,
            int moduleCount,
            long elapsedMillis,
            String worker)
            implements AboutVersion {}

    /**
     * There will be no prototypes for this content by this algorithm.
     *
     * @param code stable and lower case, such as {@code zero_update}
     * @param message for people: what is wrong and what to do
     * @param module the module path concerned, if it is one
     */
    record PrototypesFailed(
            AdapterName adapter,
            int version,
            Digest digest,
            String algorithm,
            String code,
            String message,
            @Nullable String module,
            String worker)
            implements AboutVersion {}

    /** The registry knows that a worker is at it. For people who watch. */
    record AdapterComputing(AdapterName adapter, int version, Digest digest, String worker) implements AboutVersion {}

    /** Committed, readable back, digests checked: the version can be routed to. Public contract. */
    record AdapterReady(
            AdapterName adapter,
            int version,
            Digest digest,
            BaseModelRef base,
            PrototypeFileRef prototypes,
            int moduleCount,
            Instant readyAt)
            implements AboutVersion {}

    /** The version will not become ready. Public contract; codes as in {@link PrototypesFailed}. */
    record AdapterFailed(
            AdapterName adapter,
            int version,
            Digest digest,
            String code,
            String message,
            @Nullable String module,
            Instant failedAt)
            implements AboutVersion {}

    /** Events about a base model. */
    sealed interface AboutBaseModel extends Event permits BaseModelRegistered, BaseModelCatalogued {
        BaseModelRef base();

        @Override
        default String key() {
            return "base/" + base().name();
        }

        @Override
        default String subject() {
            return key();
        }
    }

    /** A base model was registered. */
    record BaseModelRegistered(BaseModelRef base, List<StoredFile> files, Instant registeredAt)
            implements AboutBaseModel {
        public BaseModelRegistered {
            files = List.copyOf(files);
        }
    }

    /**
     * Everything a router must know of one adapter, as a whole: the newest one per key replaces all before it.
     *
     * @param labels free words for selectors
     * @param aliases alias to version number
     * @param versions those that can be routed to (READY or DEPRECATED), oldest first
     */
    record AdapterCatalogued(
            AdapterName adapter,
            Map<String, String> labels,
            Map<String, Integer> aliases,
            List<CataloguedVersion> versions)
            implements Event {
        public AdapterCatalogued {
            labels = Map.copyOf(labels);
            aliases = Map.copyOf(aliases);
            versions = List.copyOf(versions);
        }

        @Override
        public String key() {
            return adapter.toString();
        }

        @Override
        public String subject() {
            return key();
        }
    }

    /** One version in the catalogue: all that is needed to load it without asking the registry. */
    record CataloguedVersion(
            int version,
            Digest digest,
            AdapterState state,
            BaseModelRef base,
            List<StoredFile> files,
            PrototypeFileRef prototypes,
            Instant readyAt) {
        public CataloguedVersion {
            files = List.copyOf(files);
        }
    }

    /** Everything a router must know of a base model. */
    record BaseModelCatalogued(BaseModelRef base, List<StoredFile> files) implements AboutBaseModel {
        public BaseModelCatalogued {
            files = List.copyOf(files);
        }
    }
}
