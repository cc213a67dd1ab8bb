package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Digest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReferenceTest {
    private static final AdapterName SQL = AdapterName.parse("team/sql");

    @Test
    void the_four_forms_are_read() {
        Digest digest = Catalogues.digest("x");
        assertThat(Reference.parse("team/sql")).isEqualTo(new Reference.Latest(SQL));
        assertThat(Reference.parse("team/sql:3")).isEqualTo(new Reference.Numbered(SQL, 3));
        assertThat(Reference.parse("team/sql@champion")).isEqualTo(new Reference.Aliased(SQL, "champion"));
        assertThat(Reference.parse(digest.toString())).isEqualTo(new Reference.ByDigest(digest));
    }

    @Test
    void latest_may_be_said() {
        assertThat(Reference.parse("team/sql@latest")).isEqualTo(new Reference.Latest(SQL));
        assertThat(Reference.parse("team/sql:latest")).isEqualTo(new Reference.Latest(SQL));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "sql",
                "team/sql/x",
                "team/../etc",
                "/etc/passwd",
                "team/sql:0",
                "team/sql:-1",
                "team/sql:x",
                "team/sql:9999999999",
                "team/sql@",
                "team/sql@A",
                "Team/sql",
                "sha256:abc",
                "http://host/x"
            })
    void anything_else_is_refused(String text) {
        assertThatThrownBy(() -> Reference.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }
}
