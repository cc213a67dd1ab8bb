package io.quiver.schemas;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Prompts that an adapter is for, without answers, as they are uploaded with it: {@code examples.jsonl}, one JSON object
 * {@code {"prompt": "…"}} a line, in UTF-8. Empty lines count for nothing.
 *
 * @param prompts in the order of their lines, all different, {@link #COUNT_MIN} to {@link #COUNT_MAX}
 */
public record ExamplePrompts(List<String> prompts) {
    /** The name of the file, and of the part of an upload. */
    public static final String FILE = "examples.jsonl";

    /** Fewer were seen to do harm. */
    public static final int COUNT_MIN = 4;

    public static final int COUNT_MAX = 256;
    /** UTF-16 units of one prompt. */
    public static final int PROMPT_CHARS_MAX = 8192;

    public static final int BYTES_MAX = 1 << 20;

    private static final String PROMPT = "prompt";
    private static final int FAULTS_MAX = 20;
    private static final JsonMapper JSON = JsonMapper.shared();

    /** Something that is wrong with a file of examples; {@code line} counts from 1, 0 stands for the whole. */
    public record Fault(int line, String message) {}

    public ExamplePrompts {
        prompts = List.copyOf(prompts);
        if (prompts.size() < COUNT_MIN || prompts.size() > COUNT_MAX) {
            throw new IllegalArgumentException(
                    "examples are " + COUNT_MIN + " to " + COUNT_MAX + " prompts, but these are " + prompts.size());
        }
    }

    /**
     * Reads a file of examples.
     *
     * @param faults takes what is wrong, the first {@value #FAULTS_MAX} of it; nothing if all is well
     * @return the prompts of the lines that are right // (prompts)
     */
    public static List<String> read(byte[] file, List<Fault> faults) {
        if (file.length > BYTES_MAX) {
            faults.add(new Fault(0, "the file has " + file.length + " bytes, at most " + BYTES_MAX + " are read"));
            return List.of();
        }
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(file))
                    .toString();
        } catch (CharacterCodingException e) {
            faults.add(new Fault(0, "the file is not UTF-8"));
            return List.of();
        }
        Map<String, Integer> lineOf = new LinkedHashMap<>();
        List<Fault> found = new ArrayList<>();
        int number = 0;
        int wrong = 0;
        for (String line : (Iterable<String>) text.lines()::iterator) {
            number++;
            if (line.isBlank()) {
                continue;
            }
            String fault = readLine(line, number, lineOf);
            if (!fault.isEmpty()) {
                wrong++;
                found.add(new Fault(number, fault));
            }
        }
        int count = lineOf.size() + wrong;
        if (count < COUNT_MIN || count > COUNT_MAX) {
            found.add(
                    0,
                    new Fault(
                            0,
                            "there are " + count + " examples; " + COUNT_MIN + " to " + COUNT_MAX
                                    + " are needed, or none at all"));
        }
        faults.addAll(found.subList(0, Math.min(found.size(), FAULTS_MAX)));
        return List.copyOf(lineOf.keySet());
    }

    /** Returns what is wrong with a line; empty if it is right, and its prompt is then among {@code lineOf}. */
    private static String readLine(String line, int number, Map<String, Integer> lineOf) {
        JsonNode object;
        try {
            object = JSON.readTree(line);
        } catch (JacksonException e) {
            return "not JSON: " + e.getOriginalMessage();
        }
        if (!object.isObject() || !object.path(PROMPT).isString() || object.size() != 1) {
            return "each line is a JSON object with the one field 'prompt', a text";
        }
        String prompt = object.path(PROMPT).asString();
        if (prompt.isBlank() || prompt.length() > PROMPT_CHARS_MAX) {
            return "a prompt has 1 to " + PROMPT_CHARS_MAX + " characters, but this has " + prompt.length();
        }
        Integer before = lineOf.putIfAbsent(prompt, number);
        return before == null ? "" : "repeats line " + before;
    }
}
