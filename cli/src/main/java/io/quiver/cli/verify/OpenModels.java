package io.quiver.cli.verify;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.torch.TorchDecoder;
import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.merge.GeneralKnowledge;
import io.quiver.lora.merge.Merge;
import io.quiver.lora.merge.MergeAdapters;
import io.quiver.lora.merge.SubtractGeneralKnowledge;
import io.quiver.lora.model.BaseModules;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.AdapterValidation;
import io.quiver.lora.peft.InvalidAdapterException;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraUpdates;
import io.quiver.lora.peft.ValidateAdapter;
import io.quiver.lora.safetensors.SafetensorsInspector;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.schemas.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The base model in use, one at a time, in float32. Not thread-safe. */
final class OpenModels implements AutoCloseable {
    private @Nullable Path folder;
    private @Nullable Decoder decoder;
    private @Nullable BaseModules modules;
    private int derived;

    /** The decoder of a model folder; the one that was open before is closed if it is another. */
    Decoder open(Path modelFolder) throws IOException {
        if (decoder != null && modelFolder.equals(folder)) {
            return decoder;
        }
        close();
        if (!Files.isDirectory(modelFolder)) {
            throw new IllegalArgumentException("there is no model folder " + modelFolder);
        }
        Decoder opened = TorchDecoder.open(
                modelFolder,
                DecoderSettings.cpu(Precision.FP32, Runtime.getRuntime().availableProcessors()));
        decoder = opened;
        modules = BaseModules.ofFolder(modelFolder);
        folder = modelFolder;
        return opened;
    }

    /**
     * Makes an adapter resident as the router does: validated by the registry's code, prototypes by the worker's, identity by
     * its files.
     *
     * @param base what {@link #open} returned last
     * @throws InvalidAdapterException if the registry would refuse it for this base model
     */
    Expert load(Decoder base, Path adapterFolder) throws IOException {
        validate(adapterFolder);
        Map<String, ModulePrototype> prototypes;
        try (LoraAdapter adapter = LoraAdapter.open(adapterFolder, AdapterLimits.DEFAULT)) {
            prototypes = byModule(new ComputePrototypes().compute(adapter));
        }
        Digest digest = Digest.ofFiles(Map.of(
                LoraAdapter.CONFIG_FILE, digestOf(adapterFolder.resolve(LoraAdapter.CONFIG_FILE)),
                LoraAdapter.WEIGHTS_FILE, digestOf(adapterFolder.resolve(LoraAdapter.WEIGHTS_FILE))));
        return base.load(digest.toString(), adapterFolder, prototypes);
    }

    /** Makes an adapter resident without what general ones know; each call makes another expert. */
    Expert loadReduced(Decoder base, Path adapterFolder, List<Path> general, GeneralKnowledge form) throws IOException {
        List<Path> folders = new ArrayList<>(List.of(adapterFolder));
        folders.addAll(general);
        return loadDerived(folders, adapters -> {
            LoraUpdates rest =
                    SubtractGeneralKnowledge.from(adapters.get(0), adapters.subList(1, adapters.size()), form);
            return base.load("reduced " + derived, rest, byModule(new ComputePrototypes().compute(rest)));
        });
    }

    /** Makes a merge of adapters resident, without prototypes; each call makes another expert. */
    Expert loadMerged(Decoder base, List<Path> folders, Merge merge) throws IOException {
        return loadDerived(
                folders, adapters -> base.load("merged " + derived, MergeAdapters.merge(adapters, merge), Map.of()));
    }

    /** What makes one expert of several adapters. */
    private interface Derivation {
        Expert of(List<LoraAdapter> adapters) throws IOException;
    }

    private Expert loadDerived(List<Path> folders, Derivation derivation) throws IOException {
        derived++;
        List<LoraAdapter> adapters = new ArrayList<>();
        try {
            for (Path folder : folders) {
                validate(folder);
                adapters.add(LoraAdapter.open(folder, AdapterLimits.DEFAULT));
            }
            return derivation.of(adapters);
        } finally {
            for (LoraAdapter adapter : adapters) {
                adapter.close();
            }
        }
    }

    private static Map<String, ModulePrototype> byModule(List<PrototypeResult> results) {
        Map<String, ModulePrototype> prototypes = new HashMap<>();
        for (PrototypeResult result : results) {
            if (result instanceof PrototypeResult.Computed computed) {
                prototypes.put(computed.module(), computed.prototype());
            }
        }
        return prototypes;
    }

    private void validate(Path adapterFolder) throws IOException {
        byte[] config;
        try (InputStream in = Files.newInputStream(adapterFolder.resolve(LoraAdapter.CONFIG_FILE))) {
            config = in.readNBytes(AdapterLimits.DEFAULT.configBytesMax() + 1);
        }
        SafetensorsInspector inspector = new SafetensorsInspector(SafetensorsLimits.ADAPTER);
        try (InputStream in = Files.newInputStream(adapterFolder.resolve(LoraAdapter.WEIGHTS_FILE))) {
            byte[] bytes = new byte[1 << 16];
            for (int length = in.read(bytes); length >= 0; length = in.read(bytes)) {
                inspector.update(bytes, 0, length);
            }
        }
        AdapterValidation validation = new ValidateAdapter(AdapterLimits.DEFAULT)
                .validate(config, inspector.finish(), Objects.requireNonNull(modules));
        if (validation instanceof AdapterValidation.Invalid invalid) {
            throw new InvalidAdapterException(invalid.violations());
        }
    }

    private static Digest digestOf(Path file) throws IOException {
        MessageDigest sha256 = Digest.sha256();
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), sha256)) {
            in.transferTo(OutputStream.nullOutputStream());
        }
        return Digest.of(sha256);
    }

    @Override
    public void close() {
        if (decoder != null) {
            decoder.close();
        }
        decoder = null;
        folder = null;
        modules = null;
    }
}
