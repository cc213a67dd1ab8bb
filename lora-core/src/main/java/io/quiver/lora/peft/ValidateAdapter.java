package io.quiver.lora.peft;

import io.quiver.lora.model.BaseModules;
import io.quiver.lora.safetensors.InvalidSafetensorsException;
import io.quiver.lora.safetensors.SafetensorsInspection;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Decides whether an uploaded adapter is a plain LoRA that fits a base model, and finds everything that is wrong at once.
 * Nothing is dropped silently: a tensor that is not understood is a violation. An all-zero B is none.
 */
public final class ValidateAdapter {
    private final AdapterLimits limits;
    private final ReadAdapterConfig readConfig;

    public ValidateAdapter(AdapterLimits limits) {
        this.limits = limits;
        this.readConfig = new ReadAdapterConfig(limits);
    }

    /**
     * Validates an adapter against the base model that it is for.
     *
     * @param configJson bytes of adapter_config.json
     * @param weights what adapter_model.safetensors turned out to be
     */
    public AdapterValidation validate(byte[] configJson, SafetensorsInspection weights, BaseModules base) {
        return validate(configJson, weights, Optional.of(base));
    }

    /** Validates an adapter as far as that is possible without its base model: module paths and shapes are not checked. */
    public AdapterValidation validateAlone(byte[] configJson, SafetensorsInspection weights) {
        return validate(configJson, weights, Optional.empty());
    }

    /** The violations of an adapter whose weights are not a valid file. */
    public AdapterValidation.Invalid refuse(byte[] configJson, InvalidSafetensorsException brokenWeights) {
        ConfigReading reading = readConfig.read(configJson);
        List<Violation> violations = new ArrayList<>(reading.violations());
        reading.formats().forEach(format -> violations.add(format.violation("adapter_config.json")));
        brokenWeights.defects().forEach(defect -> violations.add(Violation.of(defect)));
        return new AdapterValidation.Invalid(bounded(violations));
    }

    private AdapterValidation validate(byte[] configJson, SafetensorsInspection weights, Optional<BaseModules> base) {
        ConfigReading reading = readConfig.read(configJson);
        TensorCheck check = new TensorCheck(reading, weights, base, limits);
        List<LoraModule> modules = check.run();
        List<Violation> violations = new ArrayList<>(reading.violations());
        violations.addAll(check.violations());
        if (!violations.isEmpty()) {
            return new AdapterValidation.Invalid(bounded(violations));
        }
        return new AdapterValidation.Valid(reading.config().orElseThrow(), modules);
    }

    private List<Violation> bounded(List<Violation> violations) {
        if (violations.size() <= limits.violationsMax()) {
            return violations;
        }
        List<Violation> some = new ArrayList<>(violations.subList(0, limits.violationsMax()));
        some.add(Violation.of(
                ViolationCode.MORE_VIOLATIONS,
                "there are " + (violations.size() - limits.violationsMax()) + " more violations",
                null));
        return some;
    }
}
