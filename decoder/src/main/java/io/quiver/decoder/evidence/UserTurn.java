package io.quiver.decoder.evidence;

import io.quiver.decoder.text.ChatMessage;
import io.quiver.decoder.text.ChatTemplate;
import io.quiver.decoder.text.ChatTemplateException;
import io.quiver.decoder.text.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * How somebody's words become the tokens of a request: as the only turn of a conversation in the model's chat template, up to where
 * the assistant is to go on; or as they are, for a model without a template or with one that refuses a user's turn by itself.
 * Thread-safe.
 */
public final class UserTurn {
    /** Words that have no beginning in common: what their requests begin with alike is there for any words. */
    private static final List<String> UNLIKE = List.of("a", "The", "7", "(", "Zoë", "木");

    private static final String USER = "user";

    private final Function<String, int[]> encode;
    private final int[] prefix; // (tokens)

    /** @param encode the tokens of a request with these words */
    private UserTurn(Function<String, int[]> encode) {
        this.encode = encode;
        this.prefix = commonPrefix(UNLIKE.stream().map(encode).toList());
    }

    /** The form that requests to a model have. */
    public static UserTurn of(Tokenizer tokenizer, Optional<ChatTemplate> template) {
        Function<String, int[]> raw = words -> tokenizer.encode(words, true);
        if (template.isEmpty()) {
            return new UserTurn(raw);
        }
        try {
            return new UserTurn(words ->
                    tokenizer.encode(template.get().render(List.of(new ChatMessage(USER, words)), true), false));
        } catch (ChatTemplateException refused) {
            return new UserTurn(raw);
        }
    }

    private static int[] commonPrefix(List<int[]> requests) { // (requests) of (tokens)
        int[] first = requests.get(0);
        int common = first.length;
        for (int[] request : requests) {
            int different = Arrays.mismatch(first, request);
            common = different < 0 ? common : Math.min(common, different);
        }
        return Arrays.copyOf(first, common);
    }

    /** What every request begins with; nothing where the words come first. */
    public int[] prefix() { // (tokens)
        return prefix.clone();
    }

    /** The tokens of a request; empty if the words change what requests begin with, or leave nothing behind it. */
    public Optional<int[]> request(String words) { // (tokens)
        int[] tokens = encode.apply(words);
        boolean whole =
                tokens.length > prefix.length && Arrays.equals(tokens, 0, prefix.length, prefix, 0, prefix.length);
        return whole ? Optional.of(tokens) : Optional.empty();
    }
}
