package io.quiver.registry;

import io.quiver.lora.model.BaseModules;
import io.quiver.lora.model.InvalidBaseModelException;
import io.quiver.lora.model.ShardIndex;
import io.quiver.lora.peft.Violation;
import io.quiver.lora.safetensors.InvalidSafetensorsException;
import io.quiver.lora.safetensors.SafetensorsHeader;
import io.quiver.lora.safetensors.SafetensorsInspector;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.schemas.BaseModelFiles;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.BaseModelCatalogued;
import io.quiver.schemas.Event.BaseModelRegistered;
import io.quiver.schemas.Names;
import io.quiver.schemas.StoredFile;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.transaction.support.TransactionOperations;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Takes in a base model, a Hugging Face folder file by file, finds out which linear modules it has, and asks the workers to
 * calibrate it. Thread-safe.
 */
public final class RegisterBaseModel {
    private static final Set<String> REQUIRED = Set.of(BaseModelFiles.CONFIG, BaseModelFiles.TOKENIZER);
    private static final JsonMapper JSON = JsonMapper.shared();

    /** The model as it is registered, and whether this upload did it. */
    public record Outcome(BaseModel model, boolean created) {}

    private final UploadStaging staging;
    private final BaseModels models;
    private final Outbox outbox;
    private final TransactionOperations transactions;
    private final Clock clock;

    public RegisterBaseModel(
            UploadStaging staging, BaseModels models, Outbox outbox, TransactionOperations transactions, Clock clock) {
        this.staging = staging;
        this.models = models;
        this.outbox = outbox;
        this.transactions = transactions;
        this.clock = clock;
    }

    /**
     * Registers the model, or finds it registered with the same content.
     *
     * @throws RegistryException if the files are no such model, or the name has other content
     */
    public Outcome register(String name, UploadParts parts) {
        if (!Names.isName(name)) {
            throw new RegistryException(
                    ProblemCode.NAME_INVALID, "'" + name + "' must match " + Names.PATTERN.pattern());
        }
        try (StagedFiles staged = staging.begin()) {
            Received received = receive(parts, staged);
            BaseModules modules = received.modules();
            if (modules == null || !received.violations.isEmpty()) {
                throw received.refusal();
            }
            Map<String, Digest> digests = new TreeMap<>();
            received.files.forEach((file, stored) -> digests.put(file, stored.digest()));
            BaseModel model = new BaseModel(
                    name,
                    Digest.ofFiles(digests),
                    List.copyOf(received.files.values()),
                    modules,
                    clock.instant(),
                    Calibration.NONE.requested(RequestCalibration.DEFAULT_SEED));
            Optional<BaseModel> before = models.find(name);
            if (before.isEmpty()) {
                staged.keep();
            }
            return before.map(existing -> same(existing, model)).orElseGet(() -> add(model));
        }
    }

    private Outcome add(BaseModel model) {
        boolean added = Boolean.TRUE.equals(transactions.execute(status -> {
            if (!models.add(model)) {
                return false;
            }
            outbox.append(
                    new BaseModelRegistered(model.ref(), model.files(), model.registeredAt()),
                    RequestCalibration.requested(model, clock),
                    new BaseModelCatalogued(model.ref(), model.files()));
            return true;
        }));
        return added ? new Outcome(model, true) : same(models.find(model.name()).orElseThrow(), model);
    }

    private static Outcome same(BaseModel existing, BaseModel uploaded) {
        if (!existing.digest().equals(uploaded.digest())) {
            throw new RegistryException(
                    ProblemCode.BASE_MODEL_EXISTS,
                    "'" + existing.name() + "' is registered as " + existing.digest() + ", this is " + uploaded.digest()
                            + "; register it under another name");
        }
        return new Outcome(existing, false);
    }

    /** What came over the wire: files, headers, and all that is wrong. */
    private static final class Received {
        final TreeMap<String, StoredFile> files = new TreeMap<>();
        final TreeMap<String, SafetensorsHeader> headers = new TreeMap<>();
        final List<Violation> violations = new ArrayList<>();

        @Nullable
        ShardIndex index;

        void violate(String code, String message, @Nullable String where) {
            violations.add(new Violation(code, message, where));
        }

        /** The modules, or null and a violation if the files do not make a model. */
        @Nullable
        BaseModules modules() {
            for (String required : REQUIRED) {
                if (!files.containsKey(required)) {
                    violate("file_missing", required + " is missing", required);
                }
            }
            if (files.keySet().stream().noneMatch(BaseModelFiles::isWeights)) {
                violate("file_missing", "there is no model.safetensors, nor shards of it", "model.safetensors");
            }
            if (!violations.isEmpty()) {
                return null;
            }
            try {
                if (index != null) {
                    index.check(headers);
                }
                return BaseModules.of(headers.values());
            } catch (InvalidBaseModelException e) {
                violate(e.code(), String.valueOf(e.getMessage()), null);
                return null;
            }
        }

        RegistryException refusal() {
            boolean refusedType =
                    violations.stream().anyMatch(violation -> violation.code().equals("file_type_refused"));
            return new RegistryException(
                    refusedType ? ProblemCode.FILE_TYPE_REFUSED : ProblemCode.BASE_MODEL_INVALID,
                    violations.get(0).message(),
                    violations);
        }
    }

    private Received receive(UploadParts parts, StagedFiles staged) {
        Received received = new Received();
        int count = 0;
        for (UploadParts.Part part = parts.next(); part != null; part = parts.next()) {
            if (++count > staging.limits().basePartsMax()) {
                throw new RegistryException(
                        ProblemCode.UPLOAD_TOO_LARGE,
                        "more than " + staging.limits().basePartsMax() + " parts");
            }
            receive(part, staged, received);
        }
        return received;
    }

    private void receive(UploadParts.Part part, StagedFiles staged, Received received) {
        String name = part.name();
        if (received.files.containsKey(name)) {
            received.violate("part_duplicate", name + " is there twice", name);
        } else if (BaseModelFiles.isWeights(name)) {
            SafetensorsInspector inspector = new SafetensorsInspector(SafetensorsLimits.BASE_MODEL);
            received.files.put(
                    name,
                    staged.stream(name, part.content(), staging.limits().baseWeightsBytesMax(), inspector::update));
            try {
                received.headers.put(name, inspector.finish().header());
            } catch (InvalidSafetensorsException e) {
                e.defects()
                        .forEach(defect ->
                                received.violate(defect.code().code(), name + ": " + defect.message(), defect.where()));
            }
        } else if (name.equals(BaseModelFiles.CONFIG) || name.equals(BaseModelFiles.SHARD_INDEX)) {
            byte[] content =
                    StagedFiles.readWhole(name, part.content(), staging.limits().baseFileBytesMax());
            received.files.put(name, staged.hold(name, content));
            read(name, content, received);
        } else if (BaseModelFiles.isPart(name)) {
            received.files.put(
                    name,
                    staged.stream(
                            name, part.content(), staging.limits().baseFileBytesMax(), (bytes, offset, length) -> {}));
        } else if (RefusedTypes.isRefused(name)) {
            received.violate("file_type_refused", RefusedTypes.explain(name), name);
        } else {
            received.violate("part_unknown", "'" + name + "' is no file of a base model that is needed here", name);
        }
    }

    private static void read(String name, byte[] content, Received received) {
        if (name.equals(BaseModelFiles.SHARD_INDEX)) {
            try {
                received.index = ShardIndex.parse(content);
            } catch (InvalidBaseModelException e) {
                received.violate(e.code(), String.valueOf(e.getMessage()), name);
            }
            return;
        }
        try {
            if (!JSON.readTree(content).isObject()) {
                received.violate("config_malformed", BaseModelFiles.CONFIG + " is not a JSON object", name);
            }
        } catch (JacksonException e) {
            received.violate(
                    "config_malformed", BaseModelFiles.CONFIG + " is not JSON: " + e.getOriginalMessage(), name);
        }
    }
}
