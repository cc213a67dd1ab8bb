package io.quiver.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeFile;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.worker.PrototypeOutcome.Computed;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The prototypes of uploaded adapters: right, the same each time, and found where they were computed before. */
class ComputeAdapterPrototypesTest {
    private static final long ENOUGH_BYTES = 1 << 20;

    @RegisterExtension
    static final WorkerStore WORKER = new WorkerStore();

    @TempDir
    Path dir;

    private static ObjectStore store;

    private final ComputeAdapterPrototypes compute = WORKER.computing(ENOUGH_BYTES);

    @BeforeAll
    static void start() {
        store = WORKER.store();
    }

    @AfterEach
    void empty_the_store() {
        store.list("").forEach(info -> store.delete(info.key()));
    }

    @ParameterizedTest
    @CsvSource({"r1-qv, 6", "r4-mlp-regex, 6", "r8-bf16, 9"})
    void the_prototypes_of_a_saved_adapter_are_those_of_a_full_decomposition(String name, int moduleCount)
            throws IOException {
        AdapterUploaded uploaded = UploadedAdapter.saved(name).storedIn(store).uploadedAs("ns/a", 1);

        Computed computed = (Computed) compute.compute(uploaded);

        assertThat(computed.file().algorithm()).isEqualTo("arrow-v1");
        assertThat(computed.file().key())
                .isEqualTo("prototypes/" + uploaded.digest().hex() + "/arrow-v1.safetensors");
        PrototypeFile file = read(computed);
        assertThat(file.adapterDigest()).isEqualTo(uploaded.digest().toString());
        JsonNode expected = JsonMapper.shared().readTree(UploadedAdapter.resource(name, "prototypes.json"));
        assertThat(computed.moduleCount()).isEqualTo(moduleCount).isEqualTo(expected.size());
        assertThat(file.byModule()).hasSize(moduleCount);
        for (Map.Entry<String, JsonNode> module : expected.properties()) {
            ModulePrototype prototype = file.byModule().get(module.getKey());
            assertThat(prototype.rank()).isEqualTo(module.getValue().get("r").asInt());
            assertThat(prototype.vector()).hasSize(module.getValue().get("in").asInt());
            assertThat(cosine(prototype.vector(), module.getValue().get("prototype")))
                    .isCloseTo(1, within(1e-6));
            double largest = module.getValue().get("sigma").get(0).asDouble();
            for (int i = 0; i < prototype.sigma().length; i++) {
                assertThat(prototype.sigma()[i])
                        .isCloseTo(module.getValue().get("sigma").get(i).asDouble(), within(1e-9 * largest));
            }
        }
    }

    @Test
    void computing_again_gives_the_same_bytes() throws IOException {
        AdapterUploaded uploaded =
                UploadedAdapter.saved("r4-mlp-regex").storedIn(store).uploadedAs("ns/a", 1);
        Computed first = (Computed) compute.compute(uploaded);
        byte[] firstBytes = bytes(new ObjectKey(first.file().key()));
        store.delete(new ObjectKey(first.file().key()));

        Computed second = (Computed) compute.compute(uploaded);

        assertThat(second).isEqualTo(first);
        assertThat(bytes(new ObjectKey(second.file().key()))).isEqualTo(firstBytes);
        assertThat(Digest.of(firstBytes)).isEqualTo(first.file().digest());
        assertThat(first.file().sizeBytes()).isEqualTo(firstBytes.length);
    }

    @Test
    void a_computation_that_was_done_is_found_without_reading_the_adapter() {
        UploadedAdapter adapter = UploadedAdapter.saved("r1-qv").storedIn(store);
        PrototypeOutcome first = compute.compute(adapter.uploadedAs("ns/a", 1));
        store.delete(UploadedAdapter.blob(adapter.weights()));

        assertThat(compute.compute(adapter.uploadedAs("other/name", 7))).isEqualTo(first);
    }

    @Test
    void something_else_under_the_key_of_the_prototypes_is_replaced() throws IOException {
        AdapterUploaded uploaded =
                UploadedAdapter.saved("r1-qv").storedIn(store).uploadedAs("ns/a", 1);
        Computed whole = (Computed) compute.compute(uploaded);
        ObjectKey key = new ObjectKey(whole.file().key());
        byte[] good = bytes(key);
        Computed other = (Computed)
                compute.compute(UploadedAdapter.saved("r8-bf16").storedIn(store).uploadedAs("ns/b", 1));

        for (byte[] wrong : List.of(
                new byte[0],
                "no safetensors".getBytes(StandardCharsets.UTF_8),
                Arrays.copyOf(good, good.length - 1),
                bytes(new ObjectKey(other.file().key())))) {
            store.put(key, new ByteArrayInputStream(wrong), wrong.length);

            assertThat(compute.compute(uploaded)).isEqualTo(whole);
            assertThat(bytes(key)).isEqualTo(good);
        }
    }

    @Test
    void a_module_without_update_is_left_out_and_the_others_get_their_prototypes() throws IOException {
        AdapterUploaded uploaded = UploadedAdapter.saved("r4-mlp-regex")
                .withZeroB("layers.1.mlp.up_proj")
                .storedIn(store)
                .uploadedAs("ns/a", 1);

        Computed computed = (Computed) compute.compute(uploaded);

        assertThat(computed.moduleCount()).isEqualTo(5);
        assertThat(read(computed).byModule())
                .hasSize(5)
                .doesNotContainKey("model.layers.1.mlp.up_proj")
                .containsKey("model.layers.1.mlp.gate_proj");
    }

    private PrototypeFile read(Computed computed) throws IOException {
        return PrototypeFile.read(Files.write(
                dir.resolve("read.safetensors"),
                bytes(new ObjectKey(computed.file().key()))));
    }

    private static byte[] bytes(ObjectKey key) throws IOException {
        return WORKER.bytes(key.value());
    }

    /** @param found // (in) */
    private static double cosine(float[] found, JsonNode expected) {
        double dot = 0;
        double foundSquare = 0;
        double expectedSquare = 0;
        for (int i = 0; i < found.length; i++) {
            double e = expected.get(i).asDouble();
            dot += found[i] * e;
            foundSquare += (double) found[i] * found[i];
            expectedSquare += e * e;
        }
        return dot / Math.sqrt(foundSquare * expectedSquare);
    }
}
