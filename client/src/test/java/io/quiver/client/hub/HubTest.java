package io.quiver.client.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a hub says of a repository, and what becomes of its noes. */
class HubTest {
    private final HubServer server = new HubServer().with("config.json", "{}").with("model.safetensors", "{}");

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void a_branch_becomes_the_commit_that_it_means() {
        RepositorySnapshot snapshot = snapshot(server.settings(), HubServer.REPOSITORY + "@refs/pr/1");

        assertThat(snapshot.commit()).isEqualTo(HubServer.COMMIT);
        assertThat(snapshot.files())
                .extracting(RepositoryFile::path)
                .containsExactly("config.json", "model.safetensors");
        assertThat(server.received.get(0).path()).contains("/revision/refs%2Fpr%2F1?blobs=true");
    }

    @Test
    void a_checksum_of_git_is_that_of_git_hash_object() {
        // printf '{}' | git hash-object --stdin
        assertThat(snapshot(server.settings(), HubServer.REPOSITORY)
                        .file("config.json")
                        .orElseThrow()
                        .checksum()
                        .hex())
                .isEqualTo("9e26dfeeb6e641a33dae4961196235bdb965b21b");
    }

    @Test
    void a_description_is_asked_for_again_when_the_hub_is_busy() {
        server.then(Trouble.status(503));

        assertThat(snapshot(server.settings(), HubServer.REPOSITORY + "@" + HubServer.COMMIT)
                        .files())
                .hasSize(2);
    }

    @Test
    void a_private_repository_asks_for_a_token() {
        server.requiring("hf_right");

        assertThatThrownBy(() -> snapshot(server.settings(), HubServer.REPOSITORY))
                .isInstanceOf(HubRefusedException.class)
                .hasMessageContaining("private")
                .hasMessageContaining("HF_TOKEN");
        assertThatThrownBy(() -> snapshot(server.settings("hf_wrong"), HubServer.REPOSITORY))
                .isInstanceOf(HubRefusedException.class)
                .hasMessageContaining("does not accept the token in HF_TOKEN")
                .hasMessageNotContaining("hf_wrong");
        assertThat(snapshot(server.settings("hf_right"), HubServer.REPOSITORY).files())
                .hasSize(2);
    }

    @Test
    void a_gated_repository_says_where_to_ask_for_access() {
        server.then(Trouble.status(403, "X-Error-Code", "GatedRepo"));

        assertThatThrownBy(() -> snapshot(server.settings(), HubServer.REPOSITORY + "@" + HubServer.COMMIT))
                .isInstanceOf(HubRefusedException.class)
                .hasMessageContaining("gated")
                .hasMessageContaining(server.url() + "/" + HubServer.REPOSITORY);
    }

    @Test
    void a_token_without_the_right_to_read_is_named() {
        server.then(Trouble.status(403, "X-Error-Message", "insufficient scope"));

        assertThatThrownBy(() -> snapshot(server.settings("hf_x"), HubServer.REPOSITORY + "@" + HubServer.COMMIT))
                .isInstanceOf(HubRefusedException.class)
                .hasMessageContaining("the token in HF_TOKEN may not read")
                .hasMessageContaining("insufficient scope");
    }

    @Test
    void names_and_revisions_that_nobody_knows_are_told_apart() {
        assertThatThrownBy(() -> snapshot(server.settings(), "team/unknown"))
                .isInstanceOf(HubRefusedException.class)
                .hasMessageContaining("there is no model team/unknown");
        assertThatThrownBy(() -> snapshot(server.settings(), HubServer.REPOSITORY + "@v9"))
                .isInstanceOf(HubRefusedException.class)
                .hasMessageContaining("no revision 'v9'");
    }

    @Test
    void a_description_may_be_as_long_as_its_limit_and_no_longer() {
        HubLimits defaults = HubLimits.DEFAULTS;
        int bytes = 0;
        for (int limit = 200; bytes == 0; limit++) {
            HubLimits limits = new HubLimits(limit, 10, defaults.silenceMax(), defaults.retryAfterMax());
            try {
                new Hub(server.settings(), limits, pause -> {}).snapshot(ModelReference.parse(HubServer.REPOSITORY));
                bytes = limit;
            } catch (UnexpectedHubAnswerException e) {
                assertThat(e).hasMessageContaining("more than " + limit + " bytes");
            }
        }
        assertThat(bytes).isGreaterThan(200);
    }

    @Test
    void a_repository_may_have_as_many_files_as_the_limit_and_no_more() {
        HubLimits two = new HubLimits(1 << 20, 2, Duration.ofSeconds(9), Duration.ofSeconds(9));
        Hub hub = new Hub(server.settings(), two, pause -> {});
        assertThat(hub.snapshot(ModelReference.parse(HubServer.REPOSITORY)).files())
                .hasSize(2);

        server.with("one.more", "");

        assertThatThrownBy(() -> hub.snapshot(ModelReference.parse(HubServer.REPOSITORY)))
                .isInstanceOf(UnexpectedHubAnswerException.class)
                .hasMessageContaining("more than 2 files");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../evil.json", "/etc/passwd", "a/../../b", "a//b", "a/.", "", "a\\\\..\\\\b"})
    void a_path_that_leads_out_of_the_repository_is_refused(String path) {
        server.describing("{\"rfilename\":\"%s\",\"size\":2,\"blobId\":\"%s\"}".formatted(path, "a".repeat(40)));

        assertThatThrownBy(() -> snapshot(server.settings(), HubServer.REPOSITORY))
                .isInstanceOf(UnexpectedHubAnswerException.class)
                .hasMessageContaining("no path inside a repository");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"rfilename\":\"a\",\"size\":-2,\"blobId\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
                "{\"rfilename\":\"a\",\"blobId\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
                "{\"rfilename\":\"a\",\"size\":2}",
                "{\"rfilename\":\"a\",\"size\":2,\"lfs\":{\"sha256\":\"abc\"}}",
                "7",
                "}"
            })
    void a_description_without_size_or_checksum_is_none(String sibling) {
        server.describing(sibling);

        assertThatThrownBy(() -> snapshot(server.settings(), HubServer.REPOSITORY))
                .isInstanceOf(UnexpectedHubAnswerException.class);
    }

    @Test
    void a_hub_that_nobody_runs_is_unreachable() {
        HubSettings settings = server.settings();
        server.close();

        assertThatThrownBy(() -> snapshot(settings, HubServer.REPOSITORY)).isInstanceOf(HubUnreachableException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"sql", "team/", "/sql", "team/sql/more", "team/../x", "team/sql@", "team/a..b", "-a/b"})
    void what_is_no_reference_is_refused(String text) {
        assertThatThrownBy(() -> ModelReference.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    private static RepositorySnapshot snapshot(HubSettings settings, String reference) {
        return new Hub(settings, HubLimits.DEFAULTS, pause -> {}).snapshot(ModelReference.parse(reference));
    }
}
