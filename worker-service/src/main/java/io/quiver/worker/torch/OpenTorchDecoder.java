package io.quiver.worker.torch;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import io.quiver.decoder.Decoder;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.torch.TorchDecoder;
import io.quiver.worker.DecoderUnavailableException;
import io.quiver.worker.OpenDecoder;
import java.io.IOException;
import java.nio.file.Path;

/** Opens base models on libtorch, and says so where this machine has none. */
public final class OpenTorchDecoder implements OpenDecoder {
    private static final String ENGINE = "PyTorch";

    private final DecoderSettings settings;

    public OpenTorchDecoder(DecoderSettings settings) {
        this.settings = settings;
    }

    @Override
    public Decoder open(Path folder) throws IOException {
        try {
            // The first call loads the native libraries.
            Engine.getEngine(ENGINE).getVersion();
        } catch (EngineException | IllegalStateException | LinkageError | AssertionError e) {
            throw new DecoderUnavailableException(
                    "this worker has no libtorch for " + System.getProperty("os.name") + " on "
                            + System.getProperty("os.arch") + " (" + e.getMessage()
                            + "); run one where there is, and set quiver.worker.base.calibrates=false here",
                    e);
        }
        return TorchDecoder.open(folder, settings);
    }
}
