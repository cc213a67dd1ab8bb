package io.quiver.lora.peft;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MatchModulesTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                // A list: equal, or a suffix after a dot.
                "`\"target_modules\":[\"q_proj\"]` | model.layers.0.self_attn.q_proj | true",
                "`\"target_modules\":[\"q_proj\"]` | q_proj | true",
                "`\"target_modules\":[\"q_proj\"]` | model.layers.0.self_attn.xq_proj | false",
                "`\"target_modules\":[\"q_proj\"]` | model.layers.0.self_attn.q_proj.inner | false",
                "`\"target_modules\":[\"self_attn.q_proj\"]` | model.layers.0.self_attn.q_proj | true",
                "`\"target_modules\":[\"0.*\"]` | model.layers.0.self_attn.q_proj | false",
                // A string: the whole path.
                "`\"target_modules\":\"q_proj\"` | model.layers.0.self_attn.q_proj | false",
                "`\"target_modules\":\".*q_proj\"` | model.layers.0.self_attn.q_proj | true",
                "`\"target_modules\":\"model.layers.(?P<n>\\\\d+).*\"` | model.layers.10.self_attn.q_proj | true",
                "`\"target_modules\":\"all-linear\"` | model.layers.0.mlp.up_proj | true",
                "`\"target_modules\":\"ALL-Linear\"` | model.layers.0.mlp.up_proj | true",
                // Exclusion by the same rules.
                "`\"target_modules\":\"all-linear\",\"exclude_modules\":[\"up_proj\"]` | model.layers.0.mlp.up_proj | false",
                "`\"target_modules\":\"all-linear\",\"exclude_modules\":\".*layers\\\\.1\\\\..*\"` | model.layers.1.mlp.up_proj | false",
                "`\"target_modules\":\"all-linear\",\"exclude_modules\":\".*layers\\\\.1\\\\..*\"` | model.layers.0.mlp.up_proj | true",
                // Layers: the first number behind a name.
                "`\"target_modules\":[\"q_proj\"],\"layers_to_transform\":1` | model.layers.1.self_attn.q_proj | true",
                "`\"target_modules\":[\"q_proj\"],\"layers_to_transform\":1` | model.layers.11.self_attn.q_proj | false",
                "`\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[0,2]` | model.layers.2.self_attn.q_proj | true",
                "`\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[0,2]` | model.layers.1.self_attn.q_proj | false",
                "`\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[]` | model.layers.1.self_attn.q_proj | true",
                "`\"target_modules\":[\"w1\"],\"layers_to_transform\":[1]` | model.layers.1.experts.3.w1 | true",
                "`\"target_modules\":[\"w1\"],\"layers_to_transform\":[3]` | model.layers.1.experts.3.w1 | false",
                "`\"target_modules\":[\"w1\"],\"layers_to_transform\":[3],\"layers_pattern\":\"experts\"` | model.layers.1.experts.3.w1 | true",
                "`\"target_modules\":[\"w1\"],\"layers_to_transform\":[3],\"layers_pattern\":[\"h\",\"experts\"]` | model.layers.1.experts.3.w1 | true",
                "`\"target_modules\":[\"w1\"],\"layers_to_transform\":[1],\"layers_pattern\":[\"h\"]` | model.layers.1.experts.3.w1 | false",
                "`\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[0]` | encoder.q_proj | false",
                // A path named in full is adapted whatever the layers say.
                "`\"target_modules\":[\"model.layers.1.q_proj\"],\"layers_to_transform\":[0]` | model.layers.1.q_proj | true"
            })
    void modules_are_targeted_as_peft_targets_them(String fields, String path, boolean targeted) {
        assertThat(match(fields).isTargeted(path)).isEqualTo(targeted);
    }

    @Test
    void the_first_pattern_in_the_files_order_gives_the_rank() {
        MatchModules match = match("\"target_modules\":\"all-linear\",\"r\":8,\"rank_pattern\":"
                + "{\"layers.1.self_attn.q_proj\":3,\"q_proj\":4,\".*\\\\.[kv]_proj\":5,\"^mlp\":6}");

        assertThat(match.rank("model.layers.1.self_attn.q_proj")).isEqualTo(3);
        assertThat(match.rank("model.layers.0.self_attn.q_proj")).isEqualTo(4);
        assertThat(match.rank("model.layers.0.self_attn.v_proj")).isEqualTo(5);
        assertThat(match.rank("model.layers.0.self_attn.o_proj")).isEqualTo(8);
        assertThat(match.rank("model.layers.0.self_attn.xq_proj")).isEqualTo(8);
        assertThat(match.rank("model.layers.0.mlp")).isEqualTo(8);
        assertThat(match.rank("mlp")).isEqualTo(6);
    }

    @Test
    void scales_follow_the_patterns_of_rank_and_alpha() {
        AdapterConfig plain = config("\"target_modules\":\"all-linear\",\"r\":16,\"lora_alpha\":8");
        AdapterConfig stabilised =
                config("\"target_modules\":\"all-linear\",\"r\":16,\"lora_alpha\":8,\"use_rslora\":true");

        assertThat(plain.scaling(16, 8)).isEqualTo(0.5);
        assertThat(plain.scaling(4, 8)).isEqualTo(2);
        assertThat(stabilised.scaling(16, 8)).isEqualTo(2);
        assertThat(match("\"target_modules\":\"all-linear\",\"alpha_pattern\":{\"up_proj\":7}")
                        .alpha("mlp.up_proj"))
                .isEqualTo(7);
    }

    @Test
    void pefts_defaults_hold_for_fields_that_are_absent() {
        AdapterConfig config = config("\"target_modules\":[\"q\"]");

        assertThat(config.rank()).isEqualTo(8);
        assertThat(config.alpha()).isEqualTo(8);
        assertThat(config.rsLora()).isFalse();
    }

    @Test
    void plain_and_other_keys_of_patterns_follow_the_same_rule() {
        for (String path : List.of("a.b.c", "xa.b.c", "a.bxc", "c", "b.c", "xb.c", "a.b.c.d", "ab.c")) {
            for (String key : List.of("c", "b.c", "a.b.c", ".c", "bxc", "d")) {
                String plain = "\"target_modules\":\"all-linear\",\"rank_pattern\":{\"" + key + "\":3}";
                String grouped = "\"target_modules\":\"all-linear\",\"rank_pattern\":{\"(?:" + key + ")\":3}";
                assertThat(match(plain).rank(path))
                        .as("%s at %s", key, path)
                        .isEqualTo(match(grouped).rank(path))
                        .isEqualTo(path.matches("(.*\\.)?(" + key + ")") ? 3 : 8);
            }
        }
    }

    private static MatchModules match(String fields) {
        return new MatchModules(config(fields), new PathPatterns(AdapterLimits.DEFAULT));
    }

    private static AdapterConfig config(String fields) {
        ConfigReading reading = new ReadAdapterConfig(AdapterLimits.DEFAULT)
                .read(("{\"peft_type\":\"LORA\"," + fields + "}").getBytes(StandardCharsets.UTF_8));
        assertThat(reading.violations()).isEmpty();
        return reading.config().orElseThrow();
    }
}
