package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder.ModuleTrace;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Tracing;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A base model whose linear layers have few bits, alone and under experts. Golden values come from tools/goldens/quantized.py. */
class QuantizedDecoderTest {
    private static final String GOLDENS = "quantized/llama.safetensors";
    private static final List<String> LIBRARY = List.of("arrow/experts/e0", "arrow/experts/e1", "arrow/experts/e2");

    private static Routing arrow(List<Expert> experts, Tracing tracing) {
        return new Routing.Arrow(experts, experts.size(), 1, Combine.OUTPUTS, tracing);
    }

    private static int[] prompt() {
        return Fixtures.prompts("models/llama/expected.json").get(1).ids();
    }

    /**
     * Against float64 with the same rounded weights: what is left is that activations are bfloat16.
     *
     * @param most difference of logits, whose standard deviation is 3; 4 bits move them by 3.4
     */
    @ParameterizedTest
    @CsvSource({"INT8, int8, 0.4", "INT4, int4, 0.4"})
    void logits_are_those_of_the_rounded_weights(Precision precision, String golden, double most) {
        try (TorchDecoder decoder = Fixtures.open("llama", precision)) {
            float[][] base = Fixtures.logits(decoder, new Routing.Base(), prompt());
            assertThat(Fixtures.maxDifference(base, Fixtures.rows(GOLDENS, golden + ".base")))
                    .isLessThan(most);
            List<Expert> experts = Fixtures.load(decoder, LIBRARY);
            float[][] routed = Fixtures.logits(decoder, arrow(experts, Tracing.NONE), prompt());
            assertThat(Fixtures.maxDifference(routed, Fixtures.rows(GOLDENS, golden + ".arrow")))
                    .isLessThan(most);
            assertThat(Fixtures.maxDifference(routed, base)).isGreaterThan(4 * most);
        }
    }

    /** The first layer's attention reads what no linear layer has touched: nothing there may depend on their bits. */
    @ParameterizedTest
    @EnumSource(names = {"INT8", "INT4"})
    void experts_and_their_gate_are_those_of_bfloat16(Precision precision) {
        try (TorchDecoder coarse = Fixtures.open("llama", precision);
                TorchDecoder usual = Fixtures.open("llama", Precision.BF16)) {
            List<Expert> coarseOnes = Fixtures.load(coarse, LIBRARY);
            List<Expert> usualOnes = Fixtures.load(usual, LIBRARY);
            List<ModuleTrace> ofCoarse = Fixtures.prefill(coarse, arrow(coarseOnes, Tracing.MODULES), prompt())
                    .trace();
            List<ModuleTrace> ofUsual = Fixtures.prefill(usual, arrow(usualOnes, Tracing.MODULES), prompt())
                    .trace();
            for (int module = 0; module < 3; module++) {
                assertThat(ofCoarse.get(module).module()).contains("layers.0.self_attn");
                assertThat(ofCoarse.get(module).scores())
                        .isDeepEqualTo(ofUsual.get(module).scores());
                assertThat(ofCoarse.get(module).coefficients())
                        .isDeepEqualTo(ofUsual.get(module).coefficients());
            }
            assertThat(ofCoarse.get(3).scores()).isNotEqualTo(ofUsual.get(3).scores());
            assertThat(coarseOnes.get(0).residentBytes())
                    .isEqualTo(usualOnes.get(0).residentBytes());
            assertThat(coarse.cacheBytes(100)).isEqualTo(usual.cacheBytes(100));
        }
    }

    /**
     * By hand, rows filled up to 128 weights with 4 scales of 2 bytes: q,k,v 144 rows, o 72, gate and up 208, down 72 in each of 3 layers, and
     * 288 of the head. In bfloat16 rows have 72 weights, those of down 104.
     */
    @ParameterizedTest
    @CsvSource({"INT8, 136", "INT4, 72"})
    void nothing_is_held_twice(Precision precision, long rowBytes) {
        long rows = 3 * (144 + 72 + 208 + 72);
        long usualBytes = 2 * (3 * (72 * (144 + 72 + 208) + 104 * 72) + 72 * 288);
        try (TorchDecoder coarse = Fixtures.open("llama", precision);
                TorchDecoder usual = Fixtures.open("llama", Precision.BF16)) {
            assertThat(usual.weightBytes() - coarse.weightBytes()).isEqualTo(usualBytes - rows * rowBytes - 288 * 136);
        }
    }
}
