package io.quiver.decoder.text;

/** Decodes byte-level BPE: each token is some bytes, and the bytes of all tokens are UTF-8. */
final class ByteLevelStream implements TokenStream {
    private final TokenizerFile file;
    private final Utf8Stream utf8 = new Utf8Stream();

    ByteLevelStream(TokenizerFile file) {
        this.file = file;
    }

    @Override
    public String push(int token) {
        return file.skipped(token) ? "" : utf8.push(ByteLevelAlphabet.bytes(file.piece(token)));
    }

    @Override
    public String finish() {
        return utf8.finish();
    }
}
