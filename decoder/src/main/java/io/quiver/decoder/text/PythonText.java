package io.quiver.decoder.text;

import java.beans.FeatureDescriptor;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiFunction;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;
import org.jspecify.annotations.Nullable;

/**
 * The methods of Python's strings that chat templates call and Java's strings lack or mean otherwise, for the template
 * engine. It resolves nothing else, so that it can stand before the engine's own resolver.
 */
final class PythonText extends ELResolver {
    private static final Map<String, BiFunction<String, List<String>, Object>> METHODS = Map.of(
            "startswith", (text, args) -> text.startsWith(only(args)),
            "endswith", (text, args) -> text.endsWith(only(args)),
            "strip", (text, args) -> stripped(text, args, true, true),
            "lstrip", (text, args) -> stripped(text, args, true, false),
            "rstrip", (text, args) -> stripped(text, args, false, true),
            "upper", (text, args) -> text.toUpperCase(Locale.ROOT),
            "lower", (text, args) -> text.toLowerCase(Locale.ROOT));

    private static String only(List<String> args) {
        if (args.size() != 1) {
            throw new ChatTemplateException("a method of a string takes one argument, but is given " + args.size());
        }
        return args.get(0);
    }

    /** Python's strip: without an argument white space, else every character of the argument. */
    private static String stripped(String text, List<String> args, boolean left, boolean right) {
        int begin = 0;
        int end = text.length();
        while (left && begin < end && goes(text.charAt(begin), args)) {
            begin++;
        }
        while (right && end > begin && goes(text.charAt(end - 1), args)) {
            end--;
        }
        return text.substring(begin, end);
    }

    private static boolean goes(char character, List<String> args) {
        return args.isEmpty() ? Character.isWhitespace(character) : only(args).indexOf(character) >= 0;
    }

    @Override
    public @Nullable Object invoke(
            ELContext context, Object base, Object method, Class<?> @Nullable [] types, Object @Nullable [] params) {
        BiFunction<String, List<String>, Object> known = METHODS.get(String.valueOf(method));
        if (!(base instanceof String text) || known == null) {
            return null;
        }
        context.setPropertyResolved(true);
        return known.apply(
                text,
                params == null
                        ? List.of()
                        : Arrays.stream(params).map(String::valueOf).toList());
    }

    @Override
    public @Nullable Object getValue(ELContext context, Object base, Object property) {
        return null;
    }

    @Override
    public @Nullable Class<?> getType(ELContext context, Object base, Object property) {
        return null;
    }

    @Override
    public void setValue(ELContext context, Object base, Object property, Object value) {
        // Strings have nothing to set.
    }

    @Override
    public boolean isReadOnly(ELContext context, Object base, Object property) {
        return true;
    }

    @Override
    public @Nullable Iterator<FeatureDescriptor> getFeatureDescriptors(ELContext context, Object base) {
        return null;
    }

    @Override
    public @Nullable Class<?> getCommonPropertyType(ELContext context, Object base) {
        return null;
    }
}
