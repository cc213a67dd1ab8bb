package io.quiver.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a person sees of {@code quiver model pull}; the pulls themselves are tested in the client. */
class ModelPullTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    private static final String CONFIG = "{\"base_model_name_or_path\": \"HuggingFaceTB/SmolLM2-135M-Instruct\"}";
    // printf '%s' "$CONTENT" | git hash-object --stdin
    private static final String CONFIG_BLOB = "9f3d4bd174f5f2a470ec3a022353bc5bac11beee";
    private static final String BRACES_BLOB = "9e26dfeeb6e641a33dae4961196235bdb965b21b";

    private final ContractServer hub = new ContractServer();
    private final Shown shown = Shown.inAPipe();

    @TempDir
    Path dir;

    @AfterEach
    void stop() {
        hub.close();
    }

    @Test
    void an_adapter_is_fetched_and_what_to_do_with_it_is_said() {
        describe("team/SQL", file("adapter_config.json", CONFIG, CONFIG_BLOB), braces("adapter_model.safetensors"));
        serve("team/SQL", "adapter_config.json", CONFIG);
        serve("team/SQL", "adapter_model.safetensors", "{}");
        Path folder = dir.resolve("my sql");

        int status = shown.run(environment(), "model", "pull", "team/SQL", "--to", folder.toString());

        assertThat(shown.err()).isEmpty();
        assertThat(status).isZero();
        assertThat(folder.resolve("adapter_config.json")).hasContent(CONFIG);
        assertThat(shown.out())
                .contains("team/SQL  commit " + COMMIT + "  2 files, 68 B")
                .contains("100 %")
                .contains("./quiver model pull HuggingFaceTB/SmolLM2-135M-Instruct   # its base model")
                .contains("./quiver push '" + folder + "' --name sql");
    }

    @Test
    void a_base_model_that_is_here_is_not_fetched_again() {
        Path folder = dir.resolve("tiny");
        describe("team/tiny", braces("config.json"), braces("model.safetensors"));
        serve("team/tiny", "config.json", "{}");
        serve("team/tiny", "model.safetensors", "{}");

        assertThat(shown.run(environment(), "model", "pull", "team/tiny@main", "--to", folder.toString()))
                .isZero();
        assertThat(shown.run(environment(), "model", "pull", "team/tiny@main", "--to", folder.toString()))
                .isZero();

        assertThat(shown.out())
                .contains("./quiver base add " + folder + " --name tiny")
                .contains("(everything was here)");
        assertThat(hub.received).hasSize(4);
    }

    @Test
    void what_went_wrong_ends_with_the_status_of_its_kind() {
        describe("team/pickles", braces("config.json"), braces("pytorch_model.bin"));

        assertThat(shown.run(environment(), "model", "pull", "team/pickles")).isEqualTo(ExitStatus.REFUSED);
        assertThat(shown.run(environment(), "model", "pull", "team/unknown")).isEqualTo(ExitStatus.REFUSED);
        assertThat(shown.run(environment(), "model", "pull", "no-reference")).isEqualTo(ExitStatus.USAGE);
        assertThat(shown.run(Map.of("HF_ENDPOINT", "nowhere"), "model", "pull", "team/tiny"))
                .isEqualTo(ExitStatus.USAGE);
        assertThat(shown.err())
                .contains("team/pickles has its weights as pickles")
                .contains("there is no model team/unknown")
                .contains("write ORG/NAME or ORG/NAME@COMMIT")
                .contains("'nowhere' is no address of a hub");
    }

    @Test
    void model_alone_shows_its_help() {
        assertThat(shown.run(Map.of(), "model")).isZero();

        assertThat(shown.out()).contains("pull").contains("quiver model pull HuggingFaceTB");
    }

    private Map<String, String> environment() {
        Map<String, String> environment = new HashMap<>();
        environment.put("HF_ENDPOINT", hub.url());
        environment.put("HOME", dir.toString());
        return environment;
    }

    private void describe(String repository, String... siblings) {
        hub.on(
                "GET /api/models/" + repository + "/revision/main",
                200,
                "{\"sha\":\"" + COMMIT + "\",\"siblings\":[" + String.join(",", siblings) + "]}");
    }

    private void serve(String repository, String path, String content) {
        hub.on("GET /" + repository + "/resolve/" + COMMIT + "/" + path, 200, content);
    }

    private static String braces(String path) {
        return file(path, "{}", BRACES_BLOB);
    }

    private static String file(String path, String content, String blob) {
        return "{\"rfilename\":\"%s\",\"size\":%d,\"blobId\":\"%s\"}".formatted(path, content.length(), blob);
    }
}
