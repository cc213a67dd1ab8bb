package io.quiver.decoder.text;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.el.JinjavaInterpreterResolver;
import com.hubspot.jinjava.interpret.Context.Library;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import jinjava.javax.el.CompositeELResolver;
import jinjava.javax.el.ELResolver;

/**
 * The Jinja template by which a model writes a conversation as one text. It comes from outside, so it is rendered in a
 * sandbox: no includes, no files, no methods of Java objects beyond plain text, lists and maps, and bounded output,
 * depth and time. Thread-safe.
 */
public final class ChatTemplate {
    /** Characters of one rendered conversation at most. */
    public static final int OUTPUT_CHARS_MAX = 4 << 20;

    static final Duration TIME_MAX = Duration.ofSeconds(2);
    private static final int ITEMS_MAX = 100_000;
    private static final int DEPTH_MAX = 20;
    private static final String DEADLINE = "quiver_deadline_nanos";

    private static final Pattern FILTERED_LOOP = Pattern.compile("\\{%[-+]?\\s*for\\s[^%]*?\\sin\\s[^%]*?\\sif\\s");

    private static final Map<Library, Set<String>> DISABLED = Map.of(
            Library.TAG, Set.of("include", "import", "from", "extends", "block", "do", "cycle", "call"),
            Library.FUNCTION, Set.of("fromjson", "render", "today", "unixtimestamp"),
            Library.FILTER, Set.of("fromjson", "render", "random", "fromyaml", "log"));

    private final String source;
    private final Map<String, String> specialTokens;
    private final Jinjava jinjava;

    /**
     * A template with the special tokens that it may name.
     *
     * @param specialTokens variable to text, such as {@code bos_token} to {@code <s>}
     */
    public ChatTemplate(String source, Map<String, String> specialTokens) {
        // Jinja's keep_trailing_newline=False.
        this.source = source.endsWith("\n") ? source.substring(0, source.length() - 1) : source;
        this.specialTokens = Map.copyOf(specialTokens);
        this.jinjava = new Jinjava(config());
        jinjava.registerFunction(
                new ELFunctionDefinition("", "raise_exception", ChatTemplate.class, "raiseException", String.class));
    }

    /** What a template calls to refuse a conversation. Public because the template engine calls it by reflection. */
    public static String raiseException(String message) {
        throw new ChatTemplateException(message);
    }

    private static JinjavaConfig config() {
        return JinjavaConfig.newBuilder()
                .withTrimBlocks(true)
                .withLstripBlocks(true)
                .withLegacyOverrides(LegacyOverrides.newBuilder()
                        .withIterateOverMapKeys(true)
                        .withUsePyishObjectMapper(true)
                        .withUseNaturalOperatorPrecedence(true)
                        .withParseWhitespaceControlStrictly(true)
                        .withAllowAdjacentTextNodes(true)
                        .withKeepNullableLoopValues(true)
                        .build())
                .withElResolver(resolver())
                .withNestedInterpretationEnabled(false)
                .withEnableRecursiveMacroCalls(false)
                .withFailOnUnknownTokens(false)
                .withDisabled(DISABLED)
                .withMaxOutputSize(OUTPUT_CHARS_MAX)
                .withMaxStringLength(OUTPUT_CHARS_MAX)
                .withMaxListSize(ITEMS_MAX)
                .withMaxMapSize(ITEMS_MAX)
                .withRangeLimit(ITEMS_MAX)
                .withMaxRenderDepth(DEPTH_MAX)
                .withNodePreProcessor((node, interpreter) -> checkDeadline(interpreter))
                .build();
    }

    private static ELResolver resolver() {
        CompositeELResolver resolver = new CompositeELResolver();
        resolver.add(new PythonText());
        resolver.add(JinjavaInterpreterResolver.DEFAULT_RESOLVER_READ_ONLY);
        return resolver;
    }

    /**
     * Writes a conversation as one text.
     *
     * @param addGenerationPrompt whether the text ends where the assistant is to go on
     * @throws ChatTemplateException if the template refuses the conversation, is wrong, or exceeds a limit
     */
    public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
        if (FILTERED_LOOP.matcher(source).find()) {
            // The engine would take the condition for a part of the list and loop over nothing, without a word.
            throw new ChatTemplateException(
                    "the chat template has a loop with a condition (for … if), which is not supported");
        }
        Map<String, Object> variables = new HashMap<>(specialTokens);
        variables.put("messages", messages.stream().map(ChatTemplate::variable).toList());
        variables.put("add_generation_prompt", addGenerationPrompt);
        variables.put(DEADLINE, System.nanoTime() + TIME_MAX.toNanos());
        RenderResult result = jinjava.renderForResult(source, variables);
        for (TemplateError error : result.getErrors()) {
            throw new ChatTemplateException("the chat template failed: " + cause(error));
        }
        return result.getOutput();
    }

    private static Map<String, Object> variable(ChatMessage message) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("role", message.role());
        fields.put("content", message.content());
        return fields;
    }

    private static String cause(TemplateError error) {
        for (Throwable t = error.getException(); t != null; t = t.getCause()) {
            if (t instanceof ChatTemplateException) {
                return String.valueOf(t.getMessage());
            }
        }
        return error.getMessage() + " (line " + error.getLineno() + ")";
    }

    private static void checkDeadline(JinjavaInterpreter interpreter) {
        Object deadlineNanos = interpreter.getContext().get(DEADLINE);
        if (deadlineNanos instanceof Long nanos && System.nanoTime() - nanos > 0) {
            throw new ChatTemplateException("rendering took longer than " + TIME_MAX.toMillis() + " ms");
        }
    }
}
