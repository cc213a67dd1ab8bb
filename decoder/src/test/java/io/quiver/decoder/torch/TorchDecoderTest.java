package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.SafetensorsWriter;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Lifetimes, memory and limits of a decoder. */
class TorchDecoderTest {
    /** Two (keys, values), three layers, three key heads of 12, four bytes. */
    private static final long POSITION_BYTES = 2 * 3 * 3 * 12 * 4;

    @TempDir
    Path temporary;

    private TorchDecoder decoder;

    @BeforeEach
    void open() {
        decoder = Fixtures.open("llama", Precision.FP32);
    }

    @AfterEach
    void close() {
        decoder.close();
    }

    @Test
    void the_cache_of_a_sequence_grows_with_it_and_is_freed_when_it_closes() {
        assertThat(decoder.cacheBytes()).isZero();
        Sequence sequence = decoder.open(new Routing.Base());
        assertThat(decoder.cacheBytes()).isZero();
        decoder.step(List.of(new Feed(sequence, new int[64])));
        assertThat(decoder.cacheBytes()).isEqualTo(64 * POSITION_BYTES);
        decoder.step(List.of(new Feed(sequence, new int[1])));
        assertThat(decoder.cacheBytes()).isEqualTo(128 * POSITION_BYTES);
        sequence.close();
        assertThat(decoder.cacheBytes()).isZero();
        sequence.close();
    }

    @Test
    void a_sequence_takes_the_whole_context_and_not_one_token_more() {
        try (Sequence sequence = decoder.open(new Routing.Base())) {
            decoder.step(List.of(new Feed(sequence, new int[512])));
            assertThat(sequence.length()).isEqualTo(512);
            assertThatThrownBy(() -> decoder.step(List.of(new Feed(sequence, new int[1]))))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("exceed the context of 512");
            assertThat(sequence.length()).isEqualTo(512);
        }
    }

    @Test
    void a_token_outside_of_the_vocabulary_is_refused_before_anything_is_fed() {
        try (Sequence good = decoder.open(new Routing.Base());
                Sequence bad = decoder.open(new Routing.Base())) {
            for (int token : new int[] {-1, 288}) {
                assertThatThrownBy(() -> decoder.step(
                                List.of(new Feed(good, new int[] {287}), new Feed(bad, new int[] {token}))))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("vocabulary of 288");
            }
            assertThat(good.length()).isZero();
            decoder.step(List.of(new Feed(good, new int[] {287})));
            assertThat(good.length()).isEqualTo(1);
        }
    }

    @Test
    void a_closed_sequence_and_one_fed_twice_are_refused() {
        Sequence sequence = decoder.open(new Routing.Base());
        Feed feed = new Feed(sequence, new int[] {7});
        assertThatThrownBy(() -> decoder.step(List.of(feed, feed))).isInstanceOf(IllegalArgumentException.class);
        sequence.close();
        assertThatThrownBy(() -> decoder.step(List.of(feed))).isInstanceOf(IllegalArgumentException.class);
        assertThat(decoder.step(List.of())).isEmpty();
    }

    @Test
    void loading_the_same_digest_again_finds_the_resident_expert() {
        Expert expert = Fixtures.load(decoder, "adapters/r4-attn");
        assertThat(Fixtures.load(decoder, "adapters/r4-attn")).isSameAs(expert);
    }

    @Test
    void an_expert_takes_the_bytes_of_its_slots() {
        // Rank 1 on q and v: one slot a layer at the point of q, k, v.
        // A: 3 x 72; B: 72 + 36 + 36; prototypes: 3 x 72; three layers; four bytes.
        Expert narrow = Fixtures.load(decoder, "adapters/r1-qv");
        assertThat(narrow.residentBytes()).isEqualTo(3L * 4 * (3 * 72 + 144 + 3 * 72));
        // A pool has one rank, that of its largest expert: the narrow one is padded from then on.
        Fixtures.load(decoder, "adapters/r8-all-linear-rslora");
        assertThat(narrow.residentBytes()).isEqualTo(3L * 4 * (8 * (3 * 72 + 144) + 3 * 72));
    }

    @Test
    void an_expert_in_use_cannot_be_evicted() {
        Expert expert = Fixtures.load(decoder, "adapters/r4-attn");
        Routing routing = new Routing.Arrow(List.of(expert), 1, 1, Combine.OUTPUTS, false);
        try (Sequence sequence = decoder.open(routing)) {
            assertThatThrownBy(() -> decoder.evict(expert))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("adapters/r4-attn");
            decoder.step(List.of(new Feed(sequence, new int[] {9})));
        }
        decoder.evict(expert);
        decoder.evict(expert);
        assertThatThrownBy(() -> decoder.open(routing))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not resident");
    }

    @Test
    void many_libraries_one_after_the_other_leave_no_more_than_a_few_prepared() {
        List<Expert> experts = Fixtures.load(decoder, List.of("adapters/r4-attn", "adapters/r1-qv"));
        int[] ids = {9, 10, 11};
        float[][] first = null;
        for (int i = 0; i < 40; i++) {
            Routing routing = new Routing.Fixed(experts, List.of(0.5, 1.0 / (1 + i % 39)));
            float[][] logits = Fixtures.logits(decoder, routing, ids);
            if (i == 0) {
                first = logits;
            } else if (i == 39) {
                assertThat(Fixtures.maxDifference(first, logits)).isZero();
            }
        }
    }

    @Test
    void an_adapter_for_another_model_is_refused_and_leaves_nothing() throws IOException {
        try (TorchDecoder other = Fixtures.open("llama-tied-sharded", Precision.FP32)) {
            assertThatThrownBy(() -> other.load("x", Fixtures.path("adapters/r4-attn"), Map.of()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("in the adapter");
        }
        assertThatThrownBy(() -> decoder.load(
                        "x",
                        Fixtures.path("adapters/r1-qv"),
                        Map.of(
                                "model.layers.2.self_attn.v_proj",
                                new ModulePrototype("m", 1, 1, new float[71], new double[] {1}))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("71 components");
        Expert expert = decoder.load("x", Fixtures.path("adapters/r1-qv"), Map.of());
        Routing routing = new Routing.Fixed(List.of(expert), List.of(1.0));
        float[][] exact = Fixtures.rows("adapters/r1-qv/expected.safetensors", "exact.9");
        int[] ids = Fixtures.prompts("adapters/r1-qv/expected.json").get(1).ids();
        assertThat(Fixtures.maxDifference(Fixtures.logits(decoder, routing, ids), exact))
                .isLessThan(1e-4);
    }

    @Test
    void an_expert_without_prototypes_is_never_chosen_by_arrow() throws IOException {
        Expert silent = decoder.load("silent", Fixtures.path("adapters/r8-all-linear-rslora"), Map.of());
        Expert heard = Fixtures.load(decoder, "adapters/r4-attn");
        int[] ids = {9, 10, 11};
        float[][] both =
                Fixtures.logits(decoder, new Routing.Arrow(List.of(silent, heard), 2, 1, Combine.OUTPUTS, true), ids);
        float[][] alone = Fixtures.logits(decoder, new Routing.Arrow(List.of(heard), 2, 1, Combine.OUTPUTS, true), ids);
        assertThat(Fixtures.maxDifference(both, alone)).isLessThan(1e-5);
    }

    @Test
    void a_module_that_no_expert_can_be_chosen_for_is_the_base_layer_though_they_have_weights_there()
            throws IOException {
        Map<String, ModulePrototype> onlyQueries = new HashMap<>(Fixtures.prototypes("adapters/r4-attn"));
        onlyQueries.keySet().removeIf(module -> !module.endsWith("q_proj"));
        Map<String, ModulePrototype> all = Fixtures.prototypes("adapters/r4-attn");
        Expert some = decoder.load("some", Fixtures.path("adapters/r4-attn"), onlyQueries);
        Expert whole = decoder.load("whole", Fixtures.path("adapters/r4-attn"), all);
        int[] ids = {9, 10, 11};
        for (int tokens = 1; tokens <= ids.length; tokens += 2) {
            int[] prompt = Arrays.copyOf(ids, tokens);
            var output = Fixtures.prefill(decoder, arrow(some), prompt);
            assertThat(output.trace())
                    .isNotEmpty()
                    .allSatisfy(trace -> assertThat(trace.module()).endsWith("q_proj"));
            // The same library, told apart only by a second expert that can be chosen for the other modules.
            assertThat(Fixtures.maxDifference(output.logitsByToken(), Fixtures.logits(decoder, arrow(whole), prompt)))
                    .isGreaterThan(1e-3);
            assertThat(Fixtures.maxDifference(output.logitsByToken(), onlyQueriesByHand(prompt)))
                    .isLessThan(1e-5);
        }
    }

    private static Routing arrow(Expert expert) {
        return new Routing.Arrow(List.of(expert), 1, 1, Combine.OUTPUTS, true);
    }

    /** The logits with an adapter that has the weights of q_proj only. */
    private float[][] onlyQueriesByHand(int[] prompt) throws IOException {
        Path folder = Files.createDirectories(temporary.resolve("queries"));
        Path original = Fixtures.path("adapters/r4-attn");
        ObjectNode config =
                (ObjectNode) new JsonMapper().readTree(Files.readAllBytes(original.resolve("adapter_config.json")));
        config.putArray("target_modules").add("q_proj");
        Files.writeString(folder.resolve("adapter_config.json"), new JsonMapper().writeValueAsString(config));
        SafetensorsWriter writer = new SafetensorsWriter();
        try (SafetensorsFile file =
                SafetensorsFile.open(original.resolve("adapter_model.safetensors"), SafetensorsLimits.ADAPTER)) {
            for (TensorInfo tensor : file.header().tensors()) {
                if (tensor.name().contains("q_proj")) {
                    writer.floats(tensor.name(), tensor.shape(), file.floats(tensor.name()));
                }
            }
        }
        Files.write(folder.resolve("adapter_model.safetensors"), writer.toBytes());
        Expert queries = decoder.load("queries", folder, Map.of());
        return Fixtures.logits(decoder, new Routing.Fixed(List.of(queries), List.of(1.0)), prompt);
    }

    @Test
    void a_rank_above_the_limit_is_refused_and_the_limit_itself_is_not() throws IOException {
        var settings = new io.quiver.decoder.DecoderSettings("cpu", Precision.FP32, 1, 512, 4);
        try (TorchDecoder strict = TorchDecoder.open(Fixtures.path("models/llama"), settings)) {
            Fixtures.load(strict, "adapters/r4-attn");
            assertThatThrownBy(() -> Fixtures.load(strict, "adapters/r8-all-linear-rslora"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("rank 8, the limit is 4");
        }
    }

    @Test
    void a_closed_decoder_says_so() {
        Sequence sequence = decoder.open(new Routing.Base());
        decoder.close();
        assertThatThrownBy(() -> decoder.open(new Routing.Base())).isInstanceOf(IllegalStateException.class);
        sequence.close();
        decoder.close();
    }
}
