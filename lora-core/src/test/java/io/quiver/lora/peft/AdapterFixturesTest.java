package io.quiver.lora.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.quiver.lora.Fixtures;
import io.quiver.lora.safetensors.SafetensorsHeader;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class AdapterFixturesTest {
    private final ValidateAdapter validate = new ValidateAdapter(AdapterLimits.DEFAULT);

    @ParameterizedTest
    @MethodSource("io.quiver.lora.Fixtures#adapters")
    void an_adapter_saved_by_peft_is_valid_and_its_modules_are_those_that_peft_adapted(String adapter) {
        AdapterValidation validation = validate.validate(
                Fixtures.bytes("adapters/" + adapter + "/adapter_config.json"),
                Fixtures.inspect(Fixtures.bytes("adapters/" + adapter + "/adapter_model.safetensors")),
                Fixtures.base(Fixtures.baseOf(adapter)));

        assertThat(validation).isInstanceOf(AdapterValidation.Valid.class);
        JsonNode expected = Fixtures.json("adapters/" + adapter + "/prototypes.json");
        AdapterValidation.Valid valid = (AdapterValidation.Valid) validation;
        assertThat(valid.modules())
                .extracting(LoraModule::path)
                .containsExactlyInAnyOrderElementsOf(expected.propertyNames());
        for (LoraModule module : valid.modules()) {
            JsonNode reference = expected.get(module.path());
            assertThat(module.rank()).isEqualTo(reference.get("r").intValue());
            assertThat(module.in()).isEqualTo(reference.get("in").intValue());
            assertThat(module.out()).isEqualTo(reference.get("out").intValue());
            assertThat(module.scaling()).isCloseTo(reference.get("scaling").doubleValue(), within(1e-12));
        }
    }

    @Test
    void an_adapter_for_another_base_model_is_refused_module_by_module() {
        AdapterValidation validation = validate.validate(
                Fixtures.bytes("adapters/r4-attn/adapter_config.json"),
                Fixtures.inspect(Fixtures.bytes("adapters/r4-attn/adapter_model.safetensors")),
                Fixtures.base("mistral"));

        assertThat(((AdapterValidation.Invalid) validation).violations())
                .extracting(Violation::code)
                .contains("shape_mismatch", "unknown_module");
    }

    @ParameterizedTest
    @CsvSource({
        "loramoe, lookalike_loramoe",
        "hydralora, lookalike_hydralora",
        "mola, lookalike_mola",
        "adamoe, lookalike_adamoe",
        "melora, lookalike_melora",
        "moslora, lookalike_moslora",
        "alora, lookalike_alora",
        "lotr, lookalike_lotr",
        "molora, lookalike_molora",
        "mov, lookalike_mov"
    })
    void a_checkpoint_of_another_method_is_refused_by_its_name(String mixture, String code) {
        SafetensorsHeader header = Fixtures.header("mixtures/" + mixture + "/header.json");
        AdapterValidation validation = validate.validate(
                Fixtures.bytes("mixtures/" + mixture + "/adapter_config.json"),
                Fixtures.inspection(header),
                Fixtures.base("llama"));

        assertThat(((AdapterValidation.Invalid) validation).violations())
                .extracting(Violation::code)
                .contains(code)
                .doesNotContain("unknown_tensor")
                .filteredOn(found -> found.startsWith("lookalike_"))
                .hasSize(1);
    }

    @ParameterizedTest
    @MethodSource("io.quiver.lora.Fixtures#adapters")
    void an_opened_adapter_gives_its_factors_in_their_shapes(String adapter) throws IOException {
        try (LoraAdapter opened = LoraAdapter.open(Fixtures.path("adapters/" + adapter), AdapterLimits.DEFAULT)) {
            for (LoraModule module : opened.modules()) {
                assertThat(opened.a(module)).hasSize(module.rank() * module.in());
                assertThat(opened.bExact(module)).hasSize(module.out() * module.rank());
            }
        }
    }
}
