package io.quiver.router.web;

import io.quiver.router.TokenLogprob;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes log-probabilities in the forms of the two completion routes. */
final class LogprobsJson {
    private LogprobsJson() {}

    /** The form of chats: a list of tokens, each with its alternatives. */
    static ObjectNode chat(List<TokenLogprob> tokens) {
        ObjectNode logprobs = Json.object();
        ArrayNode content = logprobs.putArray("content");
        for (TokenLogprob token : tokens) {
            ObjectNode node = content.addObject();
            put(node, token.piece(), token.logprob() == null ? 0 : token.logprob());
            ArrayNode top = node.putArray("top_logprobs");
            token.top().forEach(candidate -> put(top.addObject(), candidate.piece(), candidate.logprob()));
        }
        logprobs.putNull("refusal");
        return logprobs;
    }

    private static void put(ObjectNode node, TokenLogprob.Piece piece, double logprob) {
        node.put("token", text(piece, "")).put("logprob", logprob);
        ArrayNode bytes = node.putArray("bytes");
        for (byte b : piece.bytes()) {
            bytes.add(b & 0xFF);
        }
    }

    /**
     * The form of text completions: four lists side by side. The alternatives of a token are an object by text, with the token
     * itself among them; of two tokens with one text the likelier stays.
     */
    static ObjectNode text(List<TokenLogprob> tokens) {
        ObjectNode logprobs = Json.object();
        ArrayNode texts = logprobs.putArray("tokens");
        ArrayNode values = logprobs.putArray("token_logprobs");
        ArrayNode top = logprobs.putArray("top_logprobs");
        ArrayNode offsets = logprobs.putArray("text_offset");
        for (TokenLogprob token : tokens) {
            texts.add(text(token.piece(), "bytes:"));
            offsets.add(token.textOffset());
            Double logprob = token.logprob();
            if (logprob == null) {
                values.addNull();
                top.addNull();
                continue;
            }
            values.add(logprob);
            ObjectNode alternatives = top.addObject();
            for (TokenLogprob.Candidate candidate : token.top()) {
                String text = text(candidate.piece(), "bytes:");
                if (!alternatives.has(text)) {
                    alternatives.put(text, candidate.logprob());
                }
            }
            String own = text(token.piece(), "bytes:");
            if (!alternatives.has(own)) {
                alternatives.put(own, logprob);
            }
        }
        return logprobs;
    }

    /** The token's text; bytes that are no characters are written as {@code \xe2\x98} after the prefix. */
    static String text(TokenLogprob.Piece piece, String prefix) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(piece.bytes()))
                    .toString();
        } catch (CharacterCodingException e) {
            StringBuilder escaped = new StringBuilder(prefix);
            for (byte b : piece.bytes()) {
                escaped.append(String.format(Locale.ROOT, "\\x%02x", b & 0xFF));
            }
            return escaped.toString();
        }
    }
}
