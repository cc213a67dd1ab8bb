package io.quiver.lora.peft;

import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsInspection;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.TensorFinding;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** An adapter opened from its folder: its modules, and their A and B on demand. Thread-safe. */
public final class LoraAdapter implements LoraUpdates, AutoCloseable {
    public static final String CONFIG_FILE = "adapter_config.json";
    public static final String WEIGHTS_FILE = "adapter_model.safetensors";

    private final AdapterConfig config;
    private final List<LoraModule> modules;
    private final SafetensorsFile weights;

    private LoraAdapter(AdapterConfig config, List<LoraModule> modules, SafetensorsFile weights) {
        this.config = config;
        this.modules = modules;
        this.weights = weights;
    }

    /**
     * Opens a folder with {@link #CONFIG_FILE} and {@link #WEIGHTS_FILE}. Everything but the base model and the elements'
     * values is checked again.
     *
     * @throws InvalidAdapterException if it is not a plain LoRA
     * @throws io.quiver.lora.safetensors.InvalidSafetensorsException if the weights are not a valid file
     */
    public static LoraAdapter open(Path folder, AdapterLimits limits) throws IOException {
        byte[] configJson;
        try (InputStream in = Files.newInputStream(folder.resolve(CONFIG_FILE))) {
            configJson = in.readNBytes(limits.configBytesMax() + 1);
        }
        SafetensorsFile weights = SafetensorsFile.open(folder.resolve(WEIGHTS_FILE), SafetensorsLimits.ADAPTER);
        try {
            // The elements were looked at when the adapter was uploaded; here they count as finite.
            List<TensorFinding> findings = weights.header().tensors().stream()
                    .map(tensor -> new TensorFinding(tensor, -1, false))
                    .toList();
            AdapterValidation validation = new ValidateAdapter(limits)
                    .validateAlone(configJson, new SafetensorsInspection(weights.header(), findings));
            if (validation instanceof AdapterValidation.Valid valid) {
                return new LoraAdapter(valid.config(), valid.modules(), weights);
            }
            throw new InvalidAdapterException(((AdapterValidation.Invalid) validation).violations());
        } catch (RuntimeException e) {
            weights.close();
            throw e;
        }
    }

    public AdapterConfig config() {
        return config;
    }

    /** By path; at least one. */
    @Override
    public List<LoraModule> modules() {
        return modules;
    }

    @Override
    public float[] a(LoraModule module) throws IOException {
        return weights.floats(module.aTensor());
    }

    @Override
    public float[] b(LoraModule module) throws IOException {
        return weights.floats(module.bTensor());
    }

    @Override
    public Optional<float[]> gateVector(LoraModule module) throws IOException {
        Optional<String> tensor = module.gateTensor();
        return tensor.isPresent() ? Optional.of(weights.floats(tensor.get())) : Optional.empty();
    }

    /** @return A, row-major, exact // (rank, in) */
    public double[] aExact(LoraModule module) throws IOException {
        return weights.doubles(module.aTensor());
    }

    /** @return B, row-major, exact // (out, rank) */
    public double[] bExact(LoraModule module) throws IOException {
        return weights.doubles(module.bTensor());
    }

    @Override
    public void close() throws IOException {
        weights.close();
    }
}
