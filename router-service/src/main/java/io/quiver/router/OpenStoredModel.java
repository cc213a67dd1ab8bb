package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.text.ChatTemplateFile;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.lora.arrow.PrototypeFile;
import io.quiver.objectstore.ContentMismatchException;
import io.quiver.schemas.Digest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** Opens a base model from the object store: its files by digest, then decoder, tokenizer, chat template and scheduler. */
public final class OpenStoredModel implements ServedModel.Opener {
    /** Makes a decoder from a folder: the technology is chosen outside. */
    @FunctionalInterface
    public interface OpenDecoder {
        /**
         * @param folder of the model's files; what else is put there lives as long as they do
         * @param digest of the files
         */
        Decoder open(Path folder, Digest digest) throws IOException;
    }

    /**
     * What one served model may take.
     *
     * @param expertBytesMax resident bytes of its experts at most
     * @param contextTokensMax tokens of prompt and answer at most, if the model itself can hold more
     */
    public record Limits(DecodeScheduler.Limits texts, long expertBytesMax, int contextTokensMax) {
        public Limits {
            if (expertBytesMax < 1 || contextTokensMax < 2) {
                throw new IllegalArgumentException(
                        "limits are too small: " + expertBytesMax + " bytes, " + contextTokensMax + " tokens");
            }
        }
    }

    private final ContentCache cache;
    private final OpenDecoder openDecoder;
    private final Limits limits;
    private final DecodeObserver observer;

    public OpenStoredModel(ContentCache cache, OpenDecoder openDecoder, Limits limits, DecodeObserver observer) {
        this.cache = cache;
        this.openDecoder = openDecoder;
        this.limits = limits;
        this.observer = observer;
    }

    @Override
    public ServedModel open(BaseModel base) {
        ContentCache.Held files = cache.folder(base.digest(), base.files());
        try {
            return open(base, files);
        } catch (IOException e) {
            files.close();
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            files.close();
            throw e;
        }
    }

    private ServedModel open(BaseModel base, ContentCache.Held files) throws IOException {
        Path folder = files.path();
        Tokenizer tokenizer = Tokenizer.open(folder);
        try {
            Decoder decoder = openDecoder.open(folder, base.digest());
            DecodeScheduler scheduler = new DecodeScheduler(base.name(), decoder, limits.texts(), observer);
            observer.watch(base.name(), scheduler);
            ResidentEvidence evidence = new ResidentEvidence(decoder, new StoredEvidence(cache));
            return new ServedModel(
                    base,
                    files,
                    decoder,
                    tokenizer,
                    ChatTemplateFile.read(folder),
                    new ExpertPool(decoder, this::bring, limits.expertBytesMax(), evidence::forget),
                    evidence,
                    scheduler,
                    Math.min(decoder.config().contextTokensMax(), limits.contextTokensMax()));
        } catch (IOException | RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    private ExpertFiles bring(PinnedExpert expert) {
        ContentCache.Held folder =
                cache.folder(expert.digest(), expert.content().files());
        try (ContentCache.Held prototypes = cache.prototypes(expert.content().prototypes())) {
            PrototypeFile file = PrototypeFile.read(prototypes.path());
            if (!file.adapterDigest().equals(expert.digest().toString())) {
                throw new ContentMismatchException(
                        "the prototypes of " + expert.digest() + " were computed of " + file.adapterDigest());
            }
            return new ExpertFiles(folder.path(), file.byModule(), folder);
        } catch (IOException e) {
            folder.close();
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            folder.close();
            throw e;
        }
    }
}
