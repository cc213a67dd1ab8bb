package io.quiver.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.quiver.embedded.EmbeddedS3;
import io.quiver.embedded.ServerSettings;
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
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adapters that get no prototypes: which never will, and which are worth another attempt. */
class UnusableAdapterTest {
    private static final long ENOUGH_BYTES = 1 << 20;

    @RegisterExtension
    static final WorkerStore WORKER = new WorkerStore();

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

        assertThat(WORKER.computing(sizeBytes - 1).compute(adapter.uploadedAs("ns/a", 1)))
                .isInstanceOfSatisfying(Failed.class, failed -> {
                    assertThat(failed.code()).isEqualTo(FailureCode.ADAPTER_TOO_LARGE);
                    assertThat(failed.message())
                            .contains(Integer.toString(sizeBytes), "quiver.worker.weights-size-max");
                });
        assertThat(WORKER.computing(sizeBytes).compute(adapter.uploadedAs("ns/a", 1)))
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
            var computeWithoutStore = WORKER.computing(unreachable, ENOUGH_BYTES);

            assertThatExceptionOfType(ObjectStoreException.class)
                    .isThrownBy(() -> computeWithoutStore.compute(
                            UploadedAdapter.saved("r1-qv").uploadedAs("ns/a", 1)));
        }
    }
}
