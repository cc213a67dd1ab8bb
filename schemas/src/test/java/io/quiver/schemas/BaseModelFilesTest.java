package io.quiver.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BaseModelFilesTest {
    @ParameterizedTest
    @ValueSource(strings = {"model.safetensors", "model-00001-of-00002.safetensors"})
    void weights_are_parts(String name) {
        assertThat(BaseModelFiles.isWeights(name)).isTrue();
        assertThat(BaseModelFiles.isPart(name)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"config.json", "tokenizer.json", "model.safetensors.index.json", "chat_template.jinja"})
    void configuration_and_tokenizer_are_parts_but_no_weights(String name) {
        assertThat(BaseModelFiles.isWeights(name)).isFalse();
        assertThat(BaseModelFiles.isPart(name)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "README.md",
                "pytorch_model.bin",
                "expected.safetensors",
                "model/x.safetensors",
                "../config.json",
                "Config.json"
            })
    void the_rest_of_a_folder_is_no_part(String name) {
        assertThat(BaseModelFiles.isPart(name)).isFalse();
    }
}
