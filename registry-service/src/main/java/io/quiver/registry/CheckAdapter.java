package io.quiver.registry;

import io.quiver.lora.model.BaseModules;
import io.quiver.lora.peft.AdapterValidation;
import io.quiver.lora.peft.ValidateAdapter;
import io.quiver.lora.peft.Violation;
import io.quiver.lora.safetensors.SafetensorsInspection;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Holds an upload against its base model and finds everything that is wrong at once. The base model is the one that the
 * uploader names, else the registered one that the configuration names, whole or by the last segment of its path, else the only
 * registered one that fits. Thread-safe.
 */
public final class CheckAdapter {
    private static final int BASES_MAX = 1000;

    /** An adapter that can be registered on its base. */
    record Checked(BaseModel base, int moduleCount) {}

    private final BaseModels bases;
    private final ValidateAdapter validate;

    public CheckAdapter(BaseModels bases, ValidateAdapter validate) {
        this.bases = bases;
        this.validate = validate;
    }

    /** @throws RegistryException with every violation */
    Checked check(AdapterUpload upload) {
        List<Violation> violations = new ArrayList<>(upload.violations());
        Optional<BaseModel> named = named(upload, violations);
        upload.brokenWeights()
                .ifPresent(broken -> violations.addAll(
                        validate.refuse(upload.config(), broken).violations()));
        if (upload.weights().isEmpty() || !upload.hasConfig()) {
            throw refusal(violations);
        }
        SafetensorsInspection weights = upload.weights().get();
        BaseModel base = named.orElse(null);
        if (base == null && violations.stream().noneMatch(CheckAdapter::isBaseUnknown)) {
            base = fitting(upload, weights, violations);
        }
        if (base == null) {
            violations.addAll(violationsOf(validate.validateAlone(upload.config(), weights)));
            throw refusal(violations);
        }
        AdapterValidation validation = validate.validate(upload.config(), weights, base.modules());
        violations.addAll(violationsOf(validation));
        if (validation instanceof AdapterValidation.Valid valid && violations.isEmpty()) {
            return new Checked(base, valid.modules().size());
        }
        throw refusal(violations);
    }

    private Optional<BaseModel> named(AdapterUpload upload, List<Violation> violations) {
        if (upload.base().isPresent()) {
            Optional<BaseModel> found = upload.base().flatMap(bases::find);
            if (found.isEmpty()) {
                violations.add(unknown("no base model '" + upload.base().get() + "' is registered", "base"));
            }
            return found;
        }
        Optional<String> inConfig = upload.baseInConfig();
        return inConfig.flatMap(bases::find)
                .or(() -> inConfig.map(CheckAdapter::lastSegment).flatMap(bases::find));
    }

    private static String lastSegment(String nameOrPath) {
        String stripped = nameOrPath.replaceAll("[/\\\\]+$", "");
        int separator = Math.max(stripped.lastIndexOf('/'), stripped.lastIndexOf('\\'));
        return stripped.substring(separator + 1).toLowerCase(Locale.ROOT);
    }

    /** The only base whose modules have the names and shapes that the adapter needs, or null and a violation. */
    private @Nullable BaseModel fitting(
            AdapterUpload upload, SafetensorsInspection weights, List<Violation> violations) {
        List<BaseModel> registered = bases.list(Optional.empty(), BASES_MAX);
        List<Violation> alone = violationsOf(validate.validateAlone(upload.config(), weights));
        List<BaseModel> fitting = registered.stream()
                .filter(base -> misfits(upload, weights, base.modules(), alone).isEmpty())
                .toList();
        if (fitting.size() == 1) {
            return fitting.get(0);
        }
        String named = upload.baseInConfig()
                .map(name -> "base_model_name_or_path '" + name + "' names no registered base model")
                .orElse("adapter_config.json names no base model");
        String names = registered.isEmpty()
                ? "none is registered"
                : "registered: " + registered.stream().map(BaseModel::name).collect(Collectors.joining(", "));
        violations.add(unknown(
                named + ", and " + (fitting.isEmpty() ? "none" : "more than one") + " fits by its modules (" + names
                        + "); name it in the part 'base'",
                "base_model_name_or_path"));
        if (registered.size() == 1) {
            violations.addAll(misfits(upload, weights, registered.get(0).modules(), alone));
        }
        return null;
    }

    /** What is wrong with the adapter only because of this base. */
    private List<Violation> misfits(
            AdapterUpload upload, SafetensorsInspection weights, BaseModules base, List<Violation> alone) {
        Set<List<Object>> known = new HashSet<>();
        alone.forEach(violation -> known.add(kind(violation)));
        return violationsOf(validate.validate(upload.config(), weights, base)).stream()
                .filter(violation -> !known.contains(kind(violation)))
                .toList();
    }

    private static List<Object> kind(Violation violation) {
        return List.of(violation.code(), String.valueOf(violation.where()));
    }

    private static List<Violation> violationsOf(AdapterValidation validation) {
        return validation instanceof AdapterValidation.Invalid invalid ? invalid.violations() : List.of();
    }

    private static Violation unknown(String message, String where) {
        return new Violation(ProblemCode.BASE_MODEL_UNKNOWN.code(), message, where);
    }

    private static boolean isBaseUnknown(Violation violation) {
        return violation.code().equals(ProblemCode.BASE_MODEL_UNKNOWN.code());
    }

    private static RegistryException refusal(List<Violation> violations) {
        ProblemCode code = ProblemCode.ADAPTER_INVALID;
        if (violations.stream().anyMatch(CheckAdapter::isBaseUnknown)) {
            code = ProblemCode.BASE_MODEL_UNKNOWN;
        }
        if (violations.stream().anyMatch(violation -> violation.code().equals(ProblemCode.FILE_TYPE_REFUSED.code()))) {
            code = ProblemCode.FILE_TYPE_REFUSED;
        }
        String more = violations.size() == 1 ? "" : " (and " + (violations.size() - 1) + " more)";
        return new RegistryException(code, violations.get(0).message() + more, violations);
    }
}
