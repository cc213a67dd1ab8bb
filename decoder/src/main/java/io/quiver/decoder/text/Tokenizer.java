package io.quiver.decoder.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.regex.Pattern;

/** The tokenizer of a model folder: text to token ids and back, as its tokenizer.json says. Thread-safe. */
public final class Tokenizer implements AutoCloseable {
    /** The largest tokenizer.json that is read. The largest ones in use have some 30 MB. */
    public static final long FILE_BYTES_MAX = 128L << 20;

    private static final String FILE_NAME = "tokenizer.json";
    /** How vocabularies with byte fallback write a byte. */
    private static final Pattern BYTE_PIECE = Pattern.compile("<0x[0-9A-F]{2}>");

    private final HuggingFaceTokenizer tokenizer;
    private final TokenizerFile file;

    private Tokenizer(HuggingFaceTokenizer tokenizer, TokenizerFile file) {
        this.tokenizer = tokenizer;
        this.file = file;
    }

    /**
     * Opens the tokenizer.json of a model folder.
     *
     * @throws IllegalArgumentException if there is none, it is too large, or it is no tokenizer
     */
    public static Tokenizer open(Path folder) {
        Path path = folder.resolve(FILE_NAME);
        try {
            if (!Files.isRegularFile(path)) {
                throw new IllegalArgumentException("the model folder has no " + FILE_NAME);
            }
            if (Files.size(path) > FILE_BYTES_MAX) {
                throw new IllegalArgumentException(
                        FILE_NAME + " has " + Files.size(path) + " bytes; the limit is " + FILE_BYTES_MAX);
            }
            byte[] json = Files.readAllBytes(path);
            TokenizerFile file = TokenizerFile.parse(json);
            // The file's own truncation and padding are for training batches; a prompt is neither cut nor filled.
            Map<String, String> options = Map.of("truncation", "do_not_truncate", "padding", "do_not_pad");
            return new Tokenizer(HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), options), file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Encodes a text.
     *
     * @param addSpecialTokens whether the file's post-processor puts its tokens around, such as {@code <s>} first; not
     *     for what a chat template has rendered, which has them already
     * @return ids // (tokens)
     */
    public int[] encode(String text, boolean addSpecialTokens) {
        return Arrays.stream(tokenizer.encode(text, addSpecialTokens, false).getIds())
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    /**
     * Decodes ids.
     *
     * @param tokens ids // (tokens)
     * @param skipSpecialTokens whether special tokens are left out of the text
     */
    public String decode(int[] tokens, boolean skipSpecialTokens) {
        return tokenizer.decode(Arrays.stream(tokens).asLongStream().toArray(), skipSpecialTokens);
    }

    /** Whether a text leaves the token out: special tokens, and ids that the vocabulary lacks. */
    public boolean special(int token) {
        return file.skipped(token);
    }

    /** Starts decoding a text that comes token by token; special tokens are left out. */
    public TokenStream stream() {
        return file.byteLevel() ? new ByteLevelStream(file) : new PrefixStream(tokens -> decode(tokens, true));
    }

    /**
     * The bytes that a token adds to a text, those of a special one by its name. They need not be whole characters.
     *
     * @return UTF-8, or a part of it // (bytes)
     */
    public byte[] bytes(int token) {
        String piece = file.piece(token);
        if (file.skipped(token)) {
            return piece.getBytes(StandardCharsets.UTF_8);
        }
        if (file.byteLevel()) {
            return ByteLevelAlphabet.bytes(piece);
        }
        if (BYTE_PIECE.matcher(piece).matches()) {
            return new byte[] {(byte) Integer.parseInt(piece.substring(3, 5), 16)};
        }
        // What it is in the middle of a text: decoders treat the first token in their own way.
        String once = decode(new int[] {token}, false);
        String twice = decode(new int[] {token, token}, false);
        return twice.substring(Math.min(once.length(), twice.length())).getBytes(StandardCharsets.UTF_8);
    }

    /** One token for people, special ones by their names; bytes that are no character by themselves are U+FFFD. */
    public String text(int token) {
        if (file.skipped(token)) {
            return file.piece(token);
        }
        return file.byteLevel()
                ? new String(ByteLevelAlphabet.bytes(file.piece(token)), StandardCharsets.UTF_8)
                : decode(new int[] {token}, false);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
