package io.quiver.cli.verify;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.torch.TorchDecoder;
import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.schemas.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The base model in use, one at a time, in float32. Not thread-safe. */
final class OpenModels implements AutoCloseable {
    private @Nullable Path folder;
    private @Nullable Decoder decoder;

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
        folder = modelFolder;
        return opened;
    }

    /** Makes an adapter resident as the router does: prototypes by the worker's code, identity by its files. */
    static Expert load(Decoder decoder, Path adapterFolder) throws IOException {
        Map<String, ModulePrototype> prototypes = new HashMap<>();
        try (LoraAdapter adapter = LoraAdapter.open(adapterFolder, AdapterLimits.DEFAULT)) {
            for (PrototypeResult result : new ComputePrototypes().compute(adapter)) {
                if (result instanceof PrototypeResult.Computed computed) {
                    prototypes.put(computed.module(), computed.prototype());
                }
            }
        }
        Digest digest = Digest.ofFiles(Map.of(
                LoraAdapter.CONFIG_FILE, digestOf(adapterFolder.resolve(LoraAdapter.CONFIG_FILE)),
                LoraAdapter.WEIGHTS_FILE, digestOf(adapterFolder.resolve(LoraAdapter.WEIGHTS_FILE))));
        return decoder.load(digest.toString(), adapterFolder, prototypes);
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
    }
}
