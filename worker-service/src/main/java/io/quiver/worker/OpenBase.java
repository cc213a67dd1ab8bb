package io.quiver.worker;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.text.ChatTemplate;
import io.quiver.decoder.text.ChatTemplateFile;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.lora.model.InvalidBaseModelException;
import io.quiver.lora.safetensors.InvalidSafetensorsException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A base model in memory, with what turns words into its tokens. For one thread at a time.
 *
 * @param template of its chats, if it has one
 */
record OpenBase(Decoder decoder, Tokenizer tokenizer, Optional<ChatTemplate> template) implements AutoCloseable {
    /**
     * Opens a base model from its files.
     *
     * @throws UnusableBaseException if this worker cannot run it
     * @throws IOException if the disk failed
     */
    static OpenBase of(Path folder, OpenDecoder openDecoder) throws IOException {
        try {
            Optional<ChatTemplate> template = ChatTemplateFile.read(folder);
            Tokenizer tokenizer = Tokenizer.open(folder);
            try {
                return new OpenBase(openDecoder.open(folder), tokenizer, template);
            } catch (IOException | RuntimeException | Error e) {
                tokenizer.close();
                throw e;
            }
        } catch (IllegalArgumentException | InvalidBaseModelException | InvalidSafetensorsException e) {
            throw new UnusableBaseException(FailureCode.BASE_MODEL_UNSUPPORTED, String.valueOf(e.getMessage()));
        }
    }

    @Override
    public void close() {
        decoder.close();
        tokenizer.close();
    }
}
