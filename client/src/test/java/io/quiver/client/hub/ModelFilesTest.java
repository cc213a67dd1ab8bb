package io.quiver.client.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which files of a repository are worth a download. */
class ModelFilesTest {
    private static final Checksum CHECKSUM = new Checksum(Checksum.Algorithm.GIT_BLOB, "a".repeat(40));

    @Test
    void a_base_in_shards_has_its_index_and_every_shard() {
        assertThat(chosen(
                        "config.json",
                        "model-00001-of-00002.safetensors",
                        "model-00002-of-00002.safetensors",
                        "model.safetensors.index.json",
                        "pytorch_model.bin.index.json",
                        "consolidated.safetensors",
                        "onnx/model.safetensors",
                        "tokenizer_config.json"))
                .containsExactly(
                        "config.json",
                        "tokenizer_config.json",
                        "model.safetensors.index.json",
                        "model-00001-of-00002.safetensors",
                        "model-00002-of-00002.safetensors");
    }

    @Test
    void weights_that_are_there_whole_and_in_shards_are_taken_whole() {
        assertThat(chosen(
                        "config.json",
                        "model.safetensors",
                        "model.fp16.safetensors",
                        "model-00001-of-00001.safetensors",
                        "model.safetensors.index.json"))
                .containsExactly("config.json", "model.safetensors");
    }

    @Test
    void an_adapter_has_two_files() {
        ModelFiles files = ModelFiles.of(snapshot(
                "README.md",
                "adapter_config.json",
                "adapter_model.safetensors",
                "tokenizer.json",
                "training_args.bin"));

        assertThat(files.files())
                .extracting(RepositoryFile::path)
                .containsExactly("adapter_config.json", "adapter_model.safetensors");
        assertThat(files.hasAdapter()).isTrue();
        assertThat(files.hasBase()).isFalse();
        assertThat(files.totalBytes()).isEqualTo(20);
    }

    @Test
    void a_repository_may_have_a_base_and_an_adapter() {
        ModelFiles files = ModelFiles.of(
                snapshot("adapter_config.json", "adapter_model.safetensors", "config.json", "model.safetensors"));

        assertThat(files.hasAdapter()).isTrue();
        assertThat(files.hasBase()).isTrue();
        assertThat(files.files()).hasSize(4);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "config.json pytorch_model.bin; pickles",
                "config.json pytorch_model-00001-of-00002.bin; pickles",
                "adapter_config.json adapter_model.bin; pickles",
                "model.gguf README.md; GGUF",
                "adapter_config.json; no adapter_model.safetensors",
                "config.json tf_model.h5; neither model.safetensors nor",
                "config.json model.safetensors.index.json; neither model.safetensors nor",
                "model.safetensors; neither a base model",
                "README.md; neither a base model"
            })
    void a_repository_without_a_usable_model_says_what_it_has_instead(String paths, String said) {
        assertThatThrownBy(() -> ModelFiles.of(snapshot(paths.split(" "))))
                .isInstanceOf(UnusableRepositoryException.class)
                .hasMessageContaining(said);
    }

    private static List<String> chosen(String... paths) {
        return ModelFiles.of(snapshot(paths)).files().stream()
                .map(RepositoryFile::path)
                .toList();
    }

    private static RepositorySnapshot snapshot(String... paths) {
        return new RepositorySnapshot(
                ModelReference.parse("team/tiny"),
                HubServer.COMMIT,
                Arrays.stream(paths)
                        .map(path -> new RepositoryFile(path, 10, CHECKSUM))
                        .toList());
    }
}
