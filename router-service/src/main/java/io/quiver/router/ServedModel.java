package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.text.ChatTemplate;
import io.quiver.decoder.text.Tokenizer;
import java.util.Optional;

/**
 * A base model that answers: decoder, tokenizer, resident experts and the thread that drives them.
 *
 * @param files keeps the model's files on the disk
 * @param contextTokensMax tokens of prompt and answer together at most
 */
public record ServedModel(
        BaseModel base,
        ContentCache.Hold files,
        Decoder decoder,
        Tokenizer tokenizer,
        Optional<ChatTemplate> chatTemplate,
        ExpertPool experts,
        ResidentEvidence evidence,
        DecodeScheduler scheduler,
        int contextTokensMax)
        implements AutoCloseable {

    /** Opens base models. */
    @FunctionalInterface
    public interface Opener {
        /**
         * Brings the files of a base model and makes it ready to answer.
         *
         * @throws IllegalArgumentException if these files can never be served, or be served correctly, by this program
         */
        ServedModel open(BaseModel base);
    }

    @Override
    public void close() {
        scheduler.close();
        tokenizer.close();
        decoder.close();
        files.close();
    }
}
