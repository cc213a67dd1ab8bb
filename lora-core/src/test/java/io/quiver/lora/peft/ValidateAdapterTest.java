package io.quiver.lora.peft;

import static io.quiver.lora.peft.UploadedAdapter.PREFIX;
import static io.quiver.lora.peft.UploadedAdapter.Q0;
import static io.quiver.lora.peft.UploadedAdapter.Q1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.quiver.lora.Fixtures;
import io.quiver.lora.safetensors.InvalidSafetensorsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An adapter as a whole: all that is wrong with it at once, within limits. */
class ValidateAdapterTest {
    @Test
    void a_plain_adapter_is_valid() {
        AdapterValidation validation = new UploadedAdapter().validate();

        assertThat(((AdapterValidation.Valid) validation).modules())
                .containsExactly(
                        new LoraModule(
                                Q0, 6, 4, 2, 2.0, PREFIX + Q0 + ".lora_A.weight", PREFIX + Q0 + ".lora_B.weight"),
                        new LoraModule(
                                Q1, 6, 4, 2, 2.0, PREFIX + Q1 + ".lora_A.weight", PREFIX + Q1 + ".lora_B.weight"));
    }

    @Test
    void all_violations_are_told_at_once() {
        assertThat(new UploadedAdapter()
                        .config("use_dora", "true")
                        .config("r", "0")
                        .config("bias", "\"all\"")
                        .without(PREFIX + Q0 + ".lora_B.weight")
                        .notANumber(PREFIX + Q1 + ".lora_A.weight")
                        .tensor(PREFIX + Q1 + ".lora_C.weight", 1)
                        .codes())
                .containsExactlyInAnyOrder(
                        "dora_unsupported",
                        "rank_invalid",
                        "bias_unsupported",
                        "missing_lora_b",
                        "not_finite",
                        "unknown_tensor");
    }

    @Test
    void the_violations_of_a_broken_file_and_of_its_configuration_are_told_together() {
        InvalidSafetensorsException broken =
                catchThrowableOfType(InvalidSafetensorsException.class, () -> Fixtures.inspect(new byte[3]));

        assertThat(new ValidateAdapter(AdapterLimits.DEFAULT)
                        .refuse(new UploadedAdapter().config("use_dora", "true").configBytes(), broken)
                        .violations())
                .extracting(Violation::code)
                .containsExactly("dora_unsupported", "safetensors_truncated_header");
    }

    @Test
    void the_limits_are_taken_and_one_more_is_refused() {
        UploadedAdapter adapter = new UploadedAdapter();
        int size = adapter.configBytes().length;

        assertThat(UploadedAdapter.codes(adapter.validate(limits(size, 2, 200))))
                .isEmpty();
        assertThat(UploadedAdapter.codes(adapter.validate(limits(size - 1, 2, 200))))
                .containsExactly("config_too_large");
        assertThat(UploadedAdapter.codes(adapter.validate(limits(size, 1, 200))))
                .containsExactly("rank_too_large");
        adapter.withoutTensors();
        assertThat(UploadedAdapter.codes(adapter.validate(limits(size, 2, 3))))
                .hasSize(3)
                .doesNotContain("more_violations");
        assertThat(UploadedAdapter.codes(adapter.validate(limits(size, 2, 2))))
                .hasSize(3)
                .endsWith("more_violations");
    }

    @Test
    void opening_an_adapter_that_is_not_plain_lora_fails(@TempDir Path folder) throws IOException {
        UploadedAdapter adapter = new UploadedAdapter().config("use_dora", "true");
        Files.write(folder.resolve(LoraAdapter.CONFIG_FILE), adapter.configBytes());
        Files.write(folder.resolve(LoraAdapter.WEIGHTS_FILE), adapter.weightsBytes());

        assertThatThrownBy(() -> LoraAdapter.open(folder, AdapterLimits.DEFAULT))
                .isInstanceOf(InvalidAdapterException.class)
                .hasMessageContaining("dora_unsupported");
    }

    private static AdapterLimits limits(int configBytesMax, int rankMax, int violationsMax) {
        return new AdapterLimits(configBytesMax, rankMax, 4096, 1_000_000, 100, violationsMax);
    }
}
