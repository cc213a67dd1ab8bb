package io.quiver.registry;

import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.Violation;
import io.quiver.lora.safetensors.InvalidSafetensorsException;
import io.quiver.lora.safetensors.SafetensorsInspection;
import io.quiver.lora.safetensors.SafetensorsInspector;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.schemas.Digest;
import io.quiver.schemas.ExamplePrompts;
import io.quiver.schemas.StoredFile;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** An adapter as it came over the wire: its two files and the words beside them, and what was wrong with the parts. */
final class AdapterUpload {
    static final String CONFIG = LoraAdapter.CONFIG_FILE;
    static final String WEIGHTS = LoraAdapter.WEIGHTS_FILE;
    private static final String BASE = "base";
    private static final String LABELS = "labels";
    private static final long WORDS_BYTES_MAX = 16 << 10;
    private static final JsonMapper JSON = JsonMapper.shared();

    private final TreeMap<String, StoredFile> files = new TreeMap<>();
    private final List<Violation> violations = new ArrayList<>();
    private byte @Nullable [] config;
    private @Nullable SafetensorsInspection weights;
    private @Nullable InvalidSafetensorsException brokenWeights;
    private @Nullable String base;
    private @Nullable Labels labels;
    private @Nullable StoredFile examples;

    private AdapterUpload() {}

    /** Reads all parts, whatever is wrong with some of them; throws only for what makes reading on senseless. */
    static AdapterUpload receive(UploadParts parts, StagedFiles staged, UploadLimits limits) {
        AdapterUpload upload = new AdapterUpload();
        Set<String> seen = new HashSet<>();
        for (UploadParts.Part part = parts.next(); part != null; part = parts.next()) {
            if (!seen.add(part.name())) {
                upload.violate("part_duplicate", "'" + part.name() + "' is there twice", part.name());
            } else if (seen.size() > limits.adapterPartsMax()) {
                throw new RegistryException(
                        ProblemCode.UPLOAD_TOO_LARGE, "more than " + limits.adapterPartsMax() + " parts");
            } else {
                upload.receive(part, staged, limits);
            }
        }
        for (String required : List.of(CONFIG, WEIGHTS)) {
            if (!seen.contains(required)) {
                upload.violate("file_missing", "the part " + required + " is missing", required);
            }
        }
        return upload;
    }

    private void receive(UploadParts.Part part, StagedFiles staged, UploadLimits limits) {
        String name = part.name();
        switch (name) {
            case CONFIG -> {
                byte[] content = StagedFiles.readWhole(name, part.content(), limits.configBytesMax());
                config = content;
                files.put(name, staged.hold(name, content));
            }
            case WEIGHTS -> {
                SafetensorsInspector inspector = new SafetensorsInspector(SafetensorsLimits.ADAPTER);
                files.put(name, staged.stream(name, part.content(), limits.weightsBytesMax(), inspector::update));
                try {
                    weights = inspector.finish();
                } catch (InvalidSafetensorsException e) {
                    brokenWeights = e;
                }
            }
            case ExamplePrompts.FILE -> examples = examples(part, staged);
            case BASE -> base = text(part);
            case LABELS ->
                labels = Labels.parse(StagedFiles.readWhole(name, part.content(), WORDS_BYTES_MAX), violations);
            default -> {
                if (RefusedTypes.isRefused(name)) {
                    violate(ProblemCode.FILE_TYPE_REFUSED.code(), RefusedTypes.explain(name), name);
                } else {
                    violate(
                            "part_unknown",
                            "'" + name + "' is none of " + CONFIG + ", " + WEIGHTS + ", " + ExamplePrompts.FILE + ", "
                                    + BASE + ", " + LABELS,
                            name);
                }
            }
        }
    }

    private StoredFile examples(UploadParts.Part part, StagedFiles staged) {
        byte[] content = StagedFiles.readWhole(part.name(), part.content(), ExamplePrompts.BYTES_MAX);
        List<ExamplePrompts.Fault> faults = new ArrayList<>();
        ExamplePrompts.read(content, faults);
        for (ExamplePrompts.Fault fault : faults) {
            violate(
                    "examples_invalid",
                    fault.message(),
                    ExamplePrompts.FILE + (fault.line() == 0 ? "" : ":" + fault.line()));
        }
        return staged.hold(ExamplePrompts.FILE, content);
    }

    private static String text(UploadParts.Part part) {
        return new String(StagedFiles.readWhole(part.name(), part.content(), WORDS_BYTES_MAX), StandardCharsets.UTF_8)
                .strip();
    }

    private void violate(String code, String message, String where) {
        violations.add(new Violation(code, message, where));
    }

    /** What is wrong with the parts, as opposed to what is in them. */
    List<Violation> violations() {
        return List.copyOf(violations);
    }

    byte[] config() {
        return config == null ? new byte[0] : config;
    }

    boolean hasConfig() {
        return config != null;
    }

    /** What the weights turned out to be, if they are a valid file. */
    Optional<SafetensorsInspection> weights() {
        return Optional.ofNullable(weights);
    }

    /** Why the weights are no valid file, if they are none. */
    Optional<InvalidSafetensorsException> brokenWeights() {
        return Optional.ofNullable(brokenWeights);
    }

    /** The base model that the uploader named. */
    Optional<String> base() {
        return Optional.ofNullable(base);
    }

    /** {@code base_model_name_or_path}, however broken the rest of the configuration is. */
    Optional<String> baseInConfig() {
        try {
            JsonNode name = JSON.readTree(config()).path("base_model_name_or_path");
            return name.isString() && !name.asString().isBlank() ? Optional.of(name.asString()) : Optional.empty();
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }

    /** The labels, if the upload came with some. */
    Optional<Map<String, String>> labels() {
        return Optional.ofNullable(labels).map(Labels::values);
    }

    /** The example prompts, if the upload came with some. They are no part of the adapter's identity. */
    Optional<StoredFile> examples() {
        return Optional.ofNullable(examples);
    }

    /** The two files that make the adapter. */
    List<StoredFile> files() {
        return List.copyOf(files.values());
    }

    /** The identity of the adapter's content. */
    Digest digest() {
        Map<String, Digest> digests = new TreeMap<>();
        files.forEach((name, file) -> digests.put(name, file.digest()));
        return Digest.ofFiles(digests);
    }
}
