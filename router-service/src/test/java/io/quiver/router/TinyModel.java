package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Precision;
import io.quiver.decoder.torch.TorchDecoder;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.AdapterState;
import io.quiver.schemas.Event.CataloguedVersion;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.StoredFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The fixture model in a real decoder, and its experts without prototypes: enough to hold, use and evict them. */
final class TinyModel {
    private TinyModel() {}

    static Decoder open() {
        try {
            return TorchDecoder.open(RunningRouter.resource("models/llama"), DecoderSettings.cpu(Precision.FP32, 1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static PinnedExpert expert(String name) {
        Path weights = RunningRouter.resource("experts/" + name).resolve("adapter_model.safetensors");
        try {
            StoredFile file = new StoredFile("adapter_model.safetensors", Catalogues.digest(name), Files.size(weights));
            return new PinnedExpert(
                    AdapterName.parse("t/" + name),
                    new CataloguedVersion(
                            1,
                            Catalogues.digest(name),
                            AdapterState.READY,
                            Catalogues.base("tiny"),
                            List.of(file),
                            new PrototypeFileRef("arrow-v1", "p", Catalogues.digest("p"), 1),
                            Catalogues.TIME));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static ExpertFiles files(PinnedExpert expert) {
        return new ExpertFiles(
                RunningRouter.resource("experts/" + expert.adapter().name()), Map.of(), () -> {});
    }
}
