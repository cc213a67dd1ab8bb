package io.quiver.client.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a hub and a token are found. */
class HubSettingsTest {
    @TempDir
    Path home;

    @Test
    void without_variables_it_is_hugging_face_and_nobody() throws IOException {
        HubSettings settings = HubSettings.of(Map.of(), home);

        assertThat(settings.endpoint()).isEqualTo(URI.create("https://huggingface.co"));
        assertThat(settings.token()).isEmpty();
    }

    @Test
    void tokens_are_looked_for_where_hugging_faces_own_programs_look() throws IOException {
        Path cache = Files.createDirectories(home.resolve(".cache/huggingface"));
        Files.writeString(cache.resolve("token"), "hf_cache\n");
        Path other = Files.writeString(home.resolve("other"), "hf_other");
        Files.writeString(home.resolve("token"), "hf_home");

        assertThat(secret(Map.of())).isEqualTo("hf_cache");
        assertThat(secret(Map.of("XDG_CACHE_HOME", home.resolve(".cache").toString())))
                .isEqualTo("hf_cache");
        assertThat(secret(Map.of("HF_HOME", home.toString()))).isEqualTo("hf_home");
        assertThat(secret(Map.of("HF_HOME", home.toString(), "HF_TOKEN_PATH", other.toString())))
                .isEqualTo("hf_other");
        assertThat(secret(Map.of("HF_TOKEN", " hf_variable ", "HF_TOKEN_PATH", other.toString())))
                .isEqualTo("hf_variable");
    }

    @Test
    void a_token_is_never_shown() {
        assertThat(new AccessToken("hf_secret", "HF_TOKEN")).hasToString("the token in HF_TOKEN");
        assertThatThrownBy(() -> new AccessToken("hf_se cret", "HF_TOKEN"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("se cret");
    }

    @ParameterizedTest
    @ValueSource(strings = {"huggingface.co", "ftp://hub", "https://", "https://me:pw@hub", "https://hub?x=1", "a b"})
    void what_is_no_address_is_refused(String endpoint) {
        assertThatThrownBy(() -> HubSettings.of(Map.of("HF_ENDPOINT", endpoint), home))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void own_is_what_has_the_same_scheme_host_and_port() throws IOException {
        HubSettings settings = HubSettings.of(Map.of("HF_ENDPOINT", "https://hub.example/mirror//"), home);

        assertThat(settings.endpoint()).isEqualTo(URI.create("https://hub.example/mirror"));
        assertThat(settings.isOwn(URI.create("https://HUB.example:443/x"))).isTrue();
        assertThat(settings.isOwn(URI.create("https://hub.example:444/x"))).isFalse();
        assertThat(settings.isOwn(URI.create("http://hub.example/x"))).isFalse();
        assertThat(settings.isOwn(URI.create("https://hub.example.evil/x"))).isFalse();
    }

    private String secret(Map<String, String> environment) throws IOException {
        return HubSettings.of(environment, home).token().orElseThrow().secret();
    }
}
