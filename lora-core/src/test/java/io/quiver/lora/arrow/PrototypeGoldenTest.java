package io.quiver.lora.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.quiver.lora.Fixtures;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraModule;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class PrototypeGoldenTest {
    @ParameterizedTest
    @MethodSource("io.quiver.lora.Fixtures#adapters")
    void directions_and_singular_values_are_those_of_a_dense_decomposition(String adapter) throws IOException {
        JsonNode expected = Fixtures.json("adapters/" + adapter + "/prototypes.json");
        try (LoraAdapter opened = open(adapter)) {
            assertThat(opened.modules()).hasSize(expected.size());
            for (LoraModule module : opened.modules()) {
                LowRankSvd svd = LowRankSvd.of(
                        opened.aExact(module), opened.bExact(module), module.rank(), module.in(), module.out());

                double[] sigma = Fixtures.doubles(expected.get(module.path()).get("sigma"));
                assertThat(svd.sigma()).hasSameSizeAs(sigma);
                assertThat(svd.sigma()).containsExactly(sigma, within(1e-9 * sigma[0]));
                double[] right = Fixtures.doubles(expected.get(module.path()).get("prototype"));
                assertThat(svd.right()).containsExactly(right, within(1e-9));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("io.quiver.lora.Fixtures#adapters")
    void a_prototype_is_its_direction_rounded_to_single_precision(String adapter) throws IOException {
        JsonNode expected = Fixtures.json("adapters/" + adapter + "/prototypes.json");
        try (LoraAdapter opened = open(adapter)) {
            List<PrototypeResult> results = new ComputePrototypes().compute(opened);

            assertThat(results).extracting(PrototypeResult::module).isEqualTo(paths(opened));
            for (PrototypeResult result : results) {
                ModulePrototype prototype = ((PrototypeResult.Computed) result).prototype();
                JsonNode reference = expected.get(prototype.module());
                double[] right = Fixtures.doubles(reference.get("prototype"));
                for (int i = 0; i < right.length; i++) {
                    assertThat((double) prototype.vector()[i]).isCloseTo(right[i], within(6e-8));
                }
                assertThat(prototype.scaling())
                        .isCloseTo(reference.get("scaling").doubleValue(), within(1e-12));
                assertThat(prototype.sigmaRatio())
                        .isCloseTo(reference.get("sigma2_over_sigma1").doubleValue(), within(1e-9));
            }
        }
    }

    @Test
    void the_same_adapter_gives_the_same_bytes_again() throws IOException {
        try (LoraAdapter opened = open("r8-all-linear-rslora")) {
            assertThat(file(opened).toBytes()).isEqualTo(file(opened).toBytes());
        }
    }

    private static PrototypeFile file(LoraAdapter adapter) throws IOException {
        List<ModulePrototype> prototypes = new ComputePrototypes()
                .compute(adapter).stream()
                        .map(result -> ((PrototypeResult.Computed) result).prototype())
                        .toList();
        return new PrototypeFile(ComputePrototypes.ALGORITHM, "sha256:" + "0".repeat(64), prototypes);
    }

    private static LoraAdapter open(String adapter) throws IOException {
        return LoraAdapter.open(Fixtures.path("adapters/" + adapter), AdapterLimits.DEFAULT);
    }

    private static List<String> paths(LoraAdapter adapter) {
        return adapter.modules().stream().map(LoraModule::path).toList();
    }
}
