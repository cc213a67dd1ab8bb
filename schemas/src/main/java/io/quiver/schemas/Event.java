package io.quiver.schemas;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Everything that the services tell each other. Each is data only: digests and names, never bytes of weights. */
public sealed interface Event
        permits Event.AboutVersion, Event.AboutBaseModel, Event.AdapterCatalogued, CalibrationEvent {
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
                    AdapterFailed,
                    CalibrationEvent.AdapterCalibrationRequested,
                    CalibrationEvent.AdapterCalibrated,
                    CalibrationEvent.AdapterCalibrationFailed {
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

    /**
     * A new version was committed with all of its files. Registry to workers, and to whoever subscribes.
     *
     * @param calibration of the base model, if there is one: evidence against it is wanted too
     * @param examples prompts that the adapter is for, if it came with some
     * @param baseFiles of the base model, which has to read them; null unless there are examples and a calibration
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record AdapterUploaded(
            AdapterName adapter,
            int version,
            Digest digest,
            BaseModelRef base,
            List<StoredFile> files,
            Instant uploadedAt,
            @Nullable CalibrationRef calibration,
            @Nullable StoredFile examples,
            @Nullable List<StoredFile> baseFiles)
            implements AboutVersion {
        public AdapterUploaded {
            files = List.copyOf(files);
            baseFiles = baseFiles == null ? null : List.copyOf(baseFiles);
        }

        /** One whose base model is not calibrated, without examples. */
        public AdapterUploaded(
                AdapterName adapter,
                int version,
                Digest digest,
                BaseModelRef base,
                List<StoredFile> files,
                Instant uploadedAt) {
            this(adapter, version, digest, base, files, uploadedAt, null, null, null);
        }
    }

    /** A worker began to compute the prototypes. Worker to registry. */
    record PrototypesStarted(AdapterName adapter, int version, Digest digest, String algorithm, String worker)
            implements AboutVersion {}

    /**
     * The prototype file lies in the object store. Worker to registry.
     *
     * @param evidence what became of the evidence that was asked for too; null if none was
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record PrototypesComputed(
            AdapterName adapter,
            int version,
            Digest digest,
            PrototypeFileRef prototypes,
            int moduleCount,
            long elapsedMillis,
            String worker,
            @Nullable EvidenceReport evidence)
            implements AboutVersion {}

    /**
     * There will be no prototypes for this content by this algorithm.
     *
     * @param code stable and lower case, such as {@code zero_update}
     * @param message for people: what is wrong and what to do
     * @param module the module path concerned, if it is one
     * @param calibration digest of the calibration that evidence was asked for against too; null if none was
     */
    record PrototypesFailed(
            AdapterName adapter,
            int version,
            Digest digest,
            String algorithm,
            String code,
            String message,
            @Nullable String module,
            String worker,
            @Nullable Digest calibration)
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
    sealed interface AboutBaseModel extends Event
            permits BaseModelRegistered, BaseModelCatalogued, CalibrationEvent.AboutAttempt {
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

    /**
     * One version in the catalogue: all that is needed to load it without asking the registry.
     *
     * @param prototypes the newest file with its prototypes; with its newest evidence too, if it has some
     * @param evidence against the newest calibrations of its base model, newest first, two at most: while a library's members
     *     are being measured against a new one, all of them have the one before
     * @param examples prompts that it is for, if it came with some
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record CataloguedVersion(
            int version,
            Digest digest,
            AdapterState state,
            BaseModelRef base,
            List<StoredFile> files,
            PrototypeFileRef prototypes,
            Instant readyAt,
            @Nullable List<EvidenceRef> evidence,
            @Nullable StoredFile examples) {
        public CataloguedVersion {
            files = List.copyOf(files);
            evidence = evidence == null ? List.of() : List.copyOf(evidence);
        }

        /** One without evidence and examples. */
        public CataloguedVersion(
                int version,
                Digest digest,
                AdapterState state,
                BaseModelRef base,
                List<StoredFile> files,
                PrototypeFileRef prototypes,
                Instant readyAt) {
            this(version, digest, state, base, files, prototypes, readyAt, List.of(), null);
        }

        /** Entries of earlier programs do not say, which means none. */
        @Override
        public List<EvidenceRef> evidence() {
            return evidence == null ? List.of() : evidence;
        }
    }

    /**
     * Everything a router must know of a base model.
     *
     * @param calibration the newest, if it has been calibrated
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record BaseModelCatalogued(
            BaseModelRef base,
            List<StoredFile> files,
            @Nullable CalibrationRef calibration) implements AboutBaseModel {
        public BaseModelCatalogued {
            files = List.copyOf(files);
        }

        /** One that has not been calibrated. */
        public BaseModelCatalogued(BaseModelRef base, List<StoredFile> files) {
            this(base, files, null);
        }
    }
}
