package io.quiver.registry.web;

import io.quiver.registry.ProblemCode;
import io.quiver.registry.RegistryException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A piece of a list.
 *
 * @param nextCursor where the list goes on; null at its end
 */
public record Page<T>(List<T> items, @Nullable String nextCursor) {
    static final String DEFAULT_LIMIT = "100";
    private static final int LIMIT_MAX = 1000;

    public Page {
        items = List.copyOf(items);
    }

    /** Cuts a page out of a list that was asked for one item more than the page holds. */
    static <T> Page<T> of(List<T> oneMore, int limit, Function<T, String> position) {
        if (oneMore.size() <= limit) {
            return new Page<>(oneMore, null);
        }
        List<T> items = oneMore.subList(0, limit);
        String last = position.apply(items.get(limit - 1));
        return new Page<>(
                items, Base64.getUrlEncoder().withoutPadding().encodeToString(last.getBytes(StandardCharsets.UTF_8)));
    }

    /** The position that a cursor stands for. */
    static String position(String cursor) {
        try {
            return new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw invalidCursor(cursor);
        }
    }

    static RegistryException invalidCursor(String cursor) {
        return new RegistryException(
                ProblemCode.CURSOR_INVALID, "'" + cursor + "' is no cursor that this list has given");
    }

    static int limit(int asked) {
        if (asked < 1 || asked > LIMIT_MAX) {
            throw new RegistryException(
                    ProblemCode.REQUEST_INVALID, "limit must be 1 to " + LIMIT_MAX + ", but is " + asked);
        }
        return asked;
    }
}
