package io.quiver.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.quiver.embedded.EmbeddedS3;
import io.quiver.embedded.ServerSettings;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeFile;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectNotFoundException;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreException;
import io.quiver.objectstore.ObjectStoreSettings;
import io.quiver.objectstore.minio.MinioObjectStore;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.worker.PrototypeOutcome.Computed;
import io.quiver.worker.PrototypeOutcome.Failed;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
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

class ComputeAdapterPrototypesTest {
    private static final Clock STANDING = Clock.fixed(Instant.parse("2026-11-22T10:00:00Z"), ZoneOffset.UTC);
    private static final long ENOUGH_BYTES = 1 << 20;

    @RegisterExtension
    static final WorkerStore WORKER = new WorkerStore();

    private static ObjectStore store;
    private static Path workDir;

    @TempDir
    Path dir;

    private final ComputeAdapterPrototypes compute = computing(store, ENOUGH_BYTES);

    /** No base model is calibrated here. */
    private static ComputeAdapterPrototypes computing(ObjectStore store, long weightsBytesMax) {
        MeasureEvidence unasked = new MeasureEvidence(
                store,
                workDir,
                new HeldCalibration(store, workDir, 1),
                TinyBase.held(store, workDir, 1),
                Clock.systemUTC());
        return new ComputeAdapterPrototypes(store, workDir, weightsBytesMax, unasked, STANDING);
    }

    @BeforeAll
    static void start() {
        store = WORKER.store();
        workDir = WORKER.workDir();
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
    void an_adapter_without_any_update_fails_by_name() {
        AdapterUploaded uploaded = UploadedAdapter.saved("r4-mlp-regex")
                .withZeroB("")
                .storedIn(store)
                .uploadedAs("ns/a", 1);

        Failed failed = (Failed) compute.compute(uploaded);

        assertThat(failed.code().code()).isEqualTo("zero_update");
        assertThat(failed.message()).contains("model.layers.0.mlp.gate_proj", "and 3 more", "trained");
        assertThat(store.list("prototypes/")).isEmpty();
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

    @ParameterizedTest
    @CsvSource({"lora_A, layers.2.mlp.up_proj", "lora_B, layers.0.mlp.gate_proj"})
    void a_weight_that_is_no_number_fails_with_its_module(String factor, String module) {
        AdapterUploaded uploaded = UploadedAdapter.saved("r4-mlp-regex")
                .withNan(module + "." + factor)
                .storedIn(store)
                .uploadedAs("ns/a", 1);

        Failed failed = (Failed) compute.compute(uploaded);

        assertThat(failed.code()).isEqualTo(FailureCode.NOT_FINITE);
        assertThat(failed.module()).isEqualTo("model." + module);
    }

    @Test
    void bytes_in_the_store_that_are_not_the_uploaded_ones_fail() {
        UploadedAdapter adapter = UploadedAdapter.saved("r1-qv").storedIn(store);
        byte[] flipped = adapter.weights().clone();
        flipped[flipped.length - 1] ^= 1;

        for (byte[] wrong : List.of(
                flipped,
                Arrays.copyOf(adapter.weights(), adapter.weights().length + 1),
                Arrays.copyOf(adapter.weights(), adapter.weights().length - 1))) {
            store.put(UploadedAdapter.blob(adapter.weights()), new ByteArrayInputStream(wrong), wrong.length);

            assertThat(((Failed) compute.compute(adapter.uploadedAs("ns/a", 1))).code())
                    .isEqualTo(FailureCode.DIGEST_MISMATCH);
        }
    }

    @Test
    void files_that_do_not_make_up_the_digest_of_the_version_fail() {
        AdapterUploaded right = UploadedAdapter.saved("r1-qv").storedIn(store).uploadedAs("ns/a", 1);
        AdapterUploaded wrong = new AdapterUploaded(
                right.adapter(), 1, Digest.of(new byte[] {2}), right.base(), right.files(), right.uploadedAt());

        assertThat(((Failed) compute.compute(wrong)).code()).isEqualTo(FailureCode.DIGEST_MISMATCH);
    }

    @Test
    void files_that_are_no_adapter_fail() {
        UploadedAdapter saved = UploadedAdapter.saved("r1-qv");
        byte[] dora = new String(saved.config(), StandardCharsets.UTF_8)
                .replace("\"use_dora\": false", "\"use_dora\": true")
                .getBytes(StandardCharsets.UTF_8);
        assertThat(dora).isNotEqualTo(saved.config());

        for (UploadedAdapter unreadable : List.of(
                new UploadedAdapter(saved.config(), Arrays.copyOf(saved.weights(), 100)),
                new UploadedAdapter(new byte[] {'{'}, saved.weights()),
                new UploadedAdapter(dora, saved.weights()))) {
            assertThat(((Failed) compute.compute(unreadable.storedIn(store).uploadedAs("ns/a", 1))).code())
                    .isEqualTo(FailureCode.UNREADABLE_ADAPTER);
        }
    }

    @Test
    void a_version_without_weights_fails() {
        AdapterUploaded whole = UploadedAdapter.saved("r1-qv").storedIn(store).uploadedAs("ns/a", 1);
        AdapterUploaded half = new AdapterUploaded(
                whole.adapter(), 1, whole.digest(), whole.base(), whole.files().subList(0, 1), whole.uploadedAt());

        Failed failed = (Failed) compute.compute(half);

        assertThat(failed.code()).isEqualTo(FailureCode.UNREADABLE_ADAPTER);
        assertThat(failed.message()).contains("adapter_model.safetensors");
    }

    @Test
    void weights_up_to_the_limit_are_taken_and_one_byte_more_is_not() {
        UploadedAdapter adapter = UploadedAdapter.saved("r1-qv").storedIn(store);
        int sizeBytes = adapter.weights().length;

        assertThat(computing(store, sizeBytes - 1).compute(adapter.uploadedAs("ns/a", 1)))
                .isInstanceOfSatisfying(Failed.class, failed -> {
                    assertThat(failed.code()).isEqualTo(FailureCode.ADAPTER_TOO_LARGE);
                    assertThat(failed.message())
                            .contains(Integer.toString(sizeBytes), "quiver.worker.weights-size-max");
                });
        assertThat(computing(store, sizeBytes).compute(adapter.uploadedAs("ns/a", 1)))
                .isInstanceOf(Computed.class);
    }

    @Test
    void a_file_that_is_missing_is_worth_another_attempt() {
        AdapterUploaded uploaded = UploadedAdapter.saved("r1-qv").uploadedAs("ns/a", 1);

        assertThatExceptionOfType(ObjectNotFoundException.class).isThrownBy(() -> compute.compute(uploaded));
    }

    @Test
    void a_store_that_does_not_answer_is_worth_another_attempt(@TempDir Path goneDir) {
        EmbeddedS3 gone = EmbeddedS3.start(ServerSettings.onFreePort(goneDir));
        gone.close();
        try (var unreachable = new MinioObjectStore(
                new ObjectStoreSettings(gone.endpoint(), gone.accessKey(), gone.secretKey(), "worker", "us-east-1"))) {
            var computeWithoutStore = computing(unreachable, ENOUGH_BYTES);

            assertThatExceptionOfType(ObjectStoreException.class)
                    .isThrownBy(() -> computeWithoutStore.compute(
                            UploadedAdapter.saved("r1-qv").uploadedAs("ns/a", 1)));
        }
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
