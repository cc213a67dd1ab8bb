package io.quiver.lora.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.lora.Fixtures;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class PathPatternTest {
    private static final AdapterLimits LIMITS = AdapterLimits.DEFAULT;

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "model\\.layers\\.\\d+\\.mlp\\.(gate|up)_proj~model.layers.10.mlp.up_proj~true",
                "model\\.layers\\.\\d+\\.mlp\\.(gate|up)_proj~model.layers.x.mlp.up_proj~false",
                "^(?!.*visual).*(?:q_proj|k_proj)$~model.layers.0.q_proj~true",
                "^(?!.*visual).*(?:q_proj|k_proj)$~model.visual.0.q_proj~false",
                ".*(?=q_)q_proj~a.q_proj~true",
                ".*\\.[qkv]_proj~a.v_proj~true",
                ".*\\.[^qk]_proj~a.q_proj~false",
                ".*\\.[a-c\\d]x~a.7x~true",
                ".*\\.[]x]y~a.]y~true",
                ".*\\.[x-]y~a.-y~true",
                "(?P<name>a+?)b{2,3}~aabbb~true",
                "a{,2}~aa~true",
                "a{2}~aaa~false",
                "a{x}~a{x}~true",
                ".*\\bproj~q.proj~true",
                ".*\\bproj~q_proj~false",
                "q\\Broj~qroj~true",
                "\\w+\\Z~abc_1~true",
                "a|b|~b~true",
                "(a|)*~aaa~true"
            })
    void patterns_match_as_python_matches_them(String pattern, String text, boolean matches) {
        assertThat(new PathPatterns(LIMITS).matchesAll(pattern, text)).isEqualTo(matches);
    }

    @Test
    void random_patterns_match_as_python_matched_them() {
        JsonNode cases = Fixtures.json("cases/patterns.json");
        assertThat(cases.size()).isEqualTo(1500);
        for (JsonNode one : cases) {
            String pattern = one.get(0).stringValue();
            String text = one.get(1).stringValue();
            PathPatterns patterns = new PathPatterns(LIMITS);
            assertThat(patterns.matchesAll(pattern, text))
                    .as("all of %s on '%s'", pattern, text)
                    .isEqualTo(one.get(2).booleanValue());
            assertThat(patterns.matchesStart(pattern, text))
                    .as("start of %s on '%s'", pattern, text)
                    .isEqualTo(one.get(3).booleanValue());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(",
                ")",
                "a)",
                "[",
                "[]",
                "[a",
                "*",
                "a**",
                "a{2}{3}*",
                "+a",
                "(?",
                "(?P<",
                "(?P<1>a)",
                "a{3,2}",
                "\\",
                "[b-a]",
                "[\\d-z",
                "(?i)a",
                "(?<=a)b",
                "(?<n>a)",
                "(a)\\1",
                "\\p{L}",
                "^*",
                "(?#c)",
                "(?P=n)"
            })
    void what_is_not_a_supported_pattern_is_refused(String pattern) {
        assertThatThrownBy(() -> new PathPatterns(LIMITS).compile(pattern)).isInstanceOf(PatternException.class);
    }

    @ParameterizedTest
    @Timeout(20)
    @ValueSource(
            strings = {
                "(a+)+b",
                "(a|a)*b",
                "(.*.*.*.*.*.*.*.*)*b",
                "((a*)*)*b",
                ".*(|){1000}b",
                "(()|())*b",
                "((|a)*)*b",
                "((((){1000}){1000}){1000}){1000}b",
                "(((|){9}){9}){9}b",
                ".*.*.*.*.*.*.*.*b",
                "(a?){500}b"
            })
    void a_pattern_that_makes_other_engines_backtrack_without_end_is_matched_in_time(String pattern) {
        PathPatterns patterns = new PathPatterns(LIMITS);

        assertThat(patterns.matchesAll(pattern, "a".repeat(100))).isFalse();
        assertThat(patterns.matchesAll(pattern, "a".repeat(10) + "b"))
                .isEqualTo(pattern.contains("a") || pattern.contains("."));
    }

    @Test
    @Timeout(20)
    void nested_lookaheads_end_with_the_budget() {
        String pattern = "(?=.*".repeat(4) + "z" + ")".repeat(4);
        PathPatterns patterns = new PathPatterns(new AdapterLimits(100, 1, 100, 2_000_000, 1, 1));

        assertThatThrownBy(() -> {
                    for (int i = 0; i < 100; i++) {
                        patterns.matchesAll(".*" + pattern, "x".repeat(200));
                    }
                })
                .isInstanceOf(PatternException.class)
                .hasMessageContaining("steps");
    }

    @Test
    void the_limits_are_taken_and_one_more_is_refused() {
        PathPatterns patterns = new PathPatterns(LIMITS);

        assertThat(patterns.compile("a".repeat(4096))).isNotNull();
        assertThatThrownBy(() -> patterns.compile("a".repeat(4097))).hasMessageContaining("4096 characters");
        assertThat(patterns.compile("a{1000}")).isNotNull();
        assertThatThrownBy(() -> patterns.compile("a{1001}")).hasMessageContaining("1000 repetitions");
        assertThat(patterns.compile("(a{999}){10}")).isNotNull();
        assertThatThrownBy(() -> patterns.compile("(a{1000}){10}")).hasMessageContaining("10000 instructions");
        assertThat(patterns.compile("(".repeat(99) + "a" + ")".repeat(99))).isNotNull();
        assertThatThrownBy(() -> patterns.compile("(".repeat(100) + "a" + ")".repeat(100)))
                .hasMessageContaining("100 deep");
    }

    @Test
    void steps_are_counted_over_all_matches_together() {
        // Five instructions at five places, and one word of memory to clear.
        PathPatterns patterns = new PathPatterns(new AdapterLimits(100, 1, 100, 12, 1, 1));

        assertThat(patterns.matchesAll("abcd", "abcd")).isTrue();
        assertThat(patterns.matchesAll("abcd", "abcd")).isTrue();
        assertThatThrownBy(() -> patterns.matchesAll("abcd", "abcd")).hasMessageContaining("12 steps");
    }
}
