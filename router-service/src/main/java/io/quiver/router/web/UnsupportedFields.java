package io.quiver.router.web;

import java.util.List;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/**
 * The fields of OpenAI's and other servers' requests that would change an answer and that this router does not have. Each is
 * refused unless its value asks for nothing. Those that change nothing are ignored; any other field is unknown.
 */
final class UnsupportedFields {
    private static final List<String> HARMLESS = List.of(
            "user",
            "metadata",
            "store",
            "service_tier",
            "safety_identifier",
            "prompt_cache_key",
            "prompt_cache_retention",
            // Only a hint that makes other servers faster.
            "prediction");

    private UnsupportedFields() {}

    static void ofBoth(Fields fields) {
        HARMLESS.forEach(fields::ignore);
        fields.unsupported("use_beam_search", isFalse());
        fields.unsupported("length_penalty", is(1));
        fields.unsupported("early_stopping", isFalse());
        fields.unsupported("include_stop_str_in_output", isFalse());
        fields.unsupported("skip_special_tokens", isTrue());
        fields.unsupported("bad_words", isEmpty());
        fields.unsupported("allowed_token_ids", isEmpty());
        fields.unsupported("prompt_logprobs", node -> false);
        fields.unsupported("truncate_prompt_tokens", node -> false);
        fields.unsupported("structured_outputs", isEmpty());
        fields.unsupported("guided_json", node -> false);
        fields.unsupported("guided_regex", node -> false);
        fields.unsupported("guided_choice", isEmpty());
        fields.unsupported("guided_grammar", node -> false);
        fields.unsupported(
                "response_format", node -> "text".equals(node.path("type").asString("")));
    }

    static void ofTexts(Fields fields) {
        fields.unsupported("suffix", node -> node.isString() && node.asString().isEmpty());
    }

    static void ofChats(Fields fields) {
        fields.unsupported("tools", isEmpty());
        fields.unsupported("functions", isEmpty());
        fields.unsupported("tool_choice", isWord("none").or(isWord("auto")));
        fields.unsupported("function_call", isWord("none").or(isWord("auto")));
        fields.ignore("parallel_tool_calls");
        fields.unsupported("echo", isFalse());
        fields.unsupported("audio", node -> false);
        fields.unsupported("reasoning_effort", isWord("none"));
        fields.unsupported("verbosity", isWord("medium"));
        fields.unsupported("web_search_options", node -> false);
        fields.unsupported("add_generation_prompt", isTrue());
        fields.unsupported("continue_final_message", isFalse());
        fields.unsupported(
                "modalities",
                node -> node.size() == 1 && "text".equals(node.path(0).asString("")));
    }

    static void ofMessages(Fields message) {
        message.unsupported("tool_calls", isEmpty());
        message.unsupported("tool_call_id", node -> false);
        message.unsupported("function_call", node -> false);
        message.unsupported("audio", node -> false);
        message.unsupported("refusal", node -> false);
        message.ignore("annotations");
    }

    private static Predicate<JsonNode> is(double value) {
        return node -> node.isNumber() && node.asDouble() == value;
    }

    private static Predicate<JsonNode> isWord(String word) {
        return node -> node.isString() && node.asString().equals(word);
    }

    private static Predicate<JsonNode> isTrue() {
        return node -> node.isBoolean() && node.asBoolean();
    }

    private static Predicate<JsonNode> isFalse() {
        return node -> node.isBoolean() && !node.asBoolean();
    }

    private static Predicate<JsonNode> isEmpty() {
        return node -> node.isContainer() && node.isEmpty();
    }
}
