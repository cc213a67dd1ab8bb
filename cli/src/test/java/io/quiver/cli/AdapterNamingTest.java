package io.quiver.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.schemas.Names;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AdapterNamingTest {
    @ParameterizedTest
    @CsvSource({
        "sql-lora, sql-lora",
        "My Adapter (v2), my-adapter-v2",
        "checkpoint..500, checkpoint.500",
        ".hidden, hidden",
        "Ünïcode_Name, n-code_name",
        "___x, x"
    })
    void a_folder_s_name_becomes_a_legal_one(String folder, String name) {
        assertThat(AdapterNaming.legal(Path.of("/somewhere/that/is/not/there", folder)))
                .isEqualTo(name);
    }

    @Test
    void a_name_of_63_characters_is_kept_and_a_longer_one_is_cut() {
        assertThat(AdapterNaming.legal(Path.of("/x/" + "a".repeat(63)))).hasSize(63);
        assertThat(AdapterNaming.legal(Path.of("/x/" + "a".repeat(64)))).hasSize(63);
    }

    @Test
    void whatever_the_folder_is_called_the_name_is_legal_or_refused() {
        Random random = new Random(7);
        for (int i = 0; i < 2_000; i++) {
            StringBuilder folder = new StringBuilder("f");
            for (int j = random.nextInt(80); j > 0; j--) {
                folder.append("abz09.-_ Ä~".charAt(random.nextInt(11)));
            }
            assertThat(Names.isName(AdapterNaming.legal(Path.of("/x/" + folder))))
                    .isTrue();
        }
    }

    @Test
    void a_folder_of_which_no_name_can_be_made_asks_for_one() {
        assertThatThrownBy(() -> AdapterNaming.legal(Path.of("/x/---")))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("--name");
    }

    @Test
    void the_namespace_comes_from_the_name_then_the_variable_then_default() {
        Path folder = Path.of("/x/sql");
        assertThat(AdapterNaming.of(folder, null, Map.of())).hasToString("default/sql");
        assertThat(AdapterNaming.of(folder, null, Map.of("QUIVER_NAMESPACE", "team")))
                .hasToString("team/sql");
        assertThat(AdapterNaming.of(folder, "poems", Map.of("QUIVER_NAMESPACE", "team")))
                .hasToString("team/poems");
        assertThat(AdapterNaming.of(folder, "other/poems", Map.of("QUIVER_NAMESPACE", "team")))
                .hasToString("other/poems");
    }

    @Test
    void a_name_with_two_slashes_or_dots_in_a_row_is_refused() {
        assertThatThrownBy(() -> AdapterNaming.parse("a/b/c")).isInstanceOf(UsageException.class);
        assertThatThrownBy(() -> AdapterNaming.parse("a/..")).isInstanceOf(UsageException.class);
    }
}
