package io.quiver.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LabelSelectorTest {
    @Test
    void a_selector_wants_all_of_its_labels() {
        LabelSelector selector = LabelSelector.parse("skill=sql, lang=en");

        assertThat(selector.matches(Map.of("skill", "sql", "lang", "en", "x", "y")))
                .isTrue();
        assertThat(selector.matches(Map.of("skill", "sql"))).isFalse();
        assertThat(selector.matches(Map.of("skill", "sql", "lang", "de"))).isFalse();
        assertThat(LabelSelector.ALL.matches(Map.of())).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "skill", "=sql", "skill=", "Skill=sql", "a=1,", "a=1=2", "a=1,a=2", "a=b\tc"})
    void what_is_no_list_of_labels_is_refused(String text) {
        assertThatThrownBy(() -> LabelSelector.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void terms_at_the_limit_are_read_and_one_more_is_refused() {
        assertThat(LabelSelector.parse(terms(LabelSelector.LABELS_MAX)).labels())
                .hasSize(LabelSelector.LABELS_MAX);
        assertThatThrownBy(() -> LabelSelector.parse(terms(LabelSelector.LABELS_MAX + 1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at most");
    }

    @Test
    void a_value_at_the_limit_is_one_and_a_longer_is_none() {
        assertThat(LabelSelector.isValue("x".repeat(128))).isTrue();
        assertThat(LabelSelector.isValue("x".repeat(129))).isFalse();
        assertThat(LabelSelector.isValue("two words")).isTrue();
        assertThat(LabelSelector.isValue(" x")).isFalse();
    }

    private static String terms(int count) {
        return IntStream.range(0, count).mapToObj(i -> "k" + i + "=v").collect(Collectors.joining(","));
    }
}
