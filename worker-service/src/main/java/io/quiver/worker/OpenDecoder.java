package io.quiver.worker;

import io.quiver.decoder.Decoder;
import java.io.IOException;
import java.nio.file.Path;

/** Makes a decoder from the folder of a base model: the technology is chosen outside. */
@FunctionalInterface
public interface OpenDecoder {
    /**
     * Opens the model.
     *
     * @throws IllegalArgumentException if the model is of a kind that is not supported
     * @throws DecoderUnavailableException if no model can be run on this machine
     * @throws IOException if its files cannot be read
     */
    Decoder open(Path folder) throws IOException;
}
