package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.quiver.objectstore.ObjectKey;
import io.quiver.registry.RegistryHttp.Answer;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterCatalogued;
import io.quiver.schemas.Event.AdapterReady;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.Topics;
import io.quiver.schemas.kafka.DeadLetter;
import io.quiver.schemas.kafka.Decoded;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** From upload to READY or FAILED, with the worker's part said by the test over the real topic. */
class LifecycleTest {
    private static final RegistryHttp HTTP = RunningRegistry.shared().http();
    private static final String BASE = RunningRegistry.unique("lifecycle-base");
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @BeforeAll
    static void register_the_base() {
        assertThat(HTTP.upload("/v1/base-models?name=" + BASE, TinyModels.base(TinyModels.HIDDEN, 1))
                        .status())
                .isEqualTo(201);
    }

    private record Uploaded(AdapterName adapter, Digest digest, TinyModels.Draft draft) {
        String route() {
            return "/v1/adapters/" + adapter + "/versions/1";
        }

        String state() {
            return HTTP.get(route()).body().path("state").asString();
        }

        PrototypeFileRef storePrototypes() {
            return WorkerVoice.store(digest, WorkerVoice.prototypes(draft, digest));
        }
    }

    private static Uploaded upload(long seed) {
        AdapterName adapter = new AdapterName("life", RunningRegistry.unique("adapter"));
        TinyModels.Draft draft = TinyModels.adapter(seed);
        Answer answer = HTTP.upload(
                "/v1/adapters/" + adapter + "/versions", draft.form(BASE).part("labels", "{\"skill\": \"sql\"}"));
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(201);
        return new Uploaded(adapter, Digest.parse(answer.body().path("digest").asString()), draft);
    }

    private static void awaitState(Uploaded uploaded, String state) {
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(uploaded.state()).isEqualTo(state));
    }

    @Test
    void a_version_becomes_ready_when_its_prototypes_were_read_back_and_subscribers_hear_each_step() throws Exception {
        Uploaded uploaded = upload(11);
        WorkerVoice.say(WorkerVoice.started(uploaded.adapter, 1, uploaded.digest));
        awaitState(uploaded, "COMPUTING");
        PrototypeFileRef file = uploaded.storePrototypes();
        WorkerVoice.say(WorkerVoice.computed(uploaded.adapter, 1, uploaded.digest, file));
        awaitState(uploaded, "READY");

        Answer latest = HTTP.get("/v1/adapters/" + uploaded.adapter + "/versions/latest");
        assertThat(latest.body().path("version").asInt()).isEqualTo(1);
        assertThat(latest.body().path("worker").asString()).isEqualTo(WorkerVoice.NAME);
        assertThat(latest.body().path("prototypes").path("digest").asString())
                .isEqualTo(file.digest().toString());
        assertThat(latest.body().path("moduleCount").asInt()).isEqualTo(2);
        assertThat(latest.body().path("rank").asInt())
                .isEqualTo(HTTP.get(uploaded.route() + "/prototypes")
                        .body()
                        .path("modules")
                        .path(0)
                        .path("rank")
                        .asInt())
                .isPositive();

        try (TopicReader adapters = new TopicReader(Topics.ADAPTERS);
                TopicReader catalog = new TopicReader(Topics.CATALOG)) {
            String key = uploaded.adapter.toString();
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(adapters.types(key))
                            .containsExactly("AdapterUploaded", "AdapterComputing", "AdapterReady"));
            AdapterReady ready = (AdapterReady) adapters.events(key).get(2).event();
            assertThat(ready.prototypes()).isEqualTo(file);
            assertThat(ready.base().name()).isEqualTo(BASE);
            assertThat(ready.moduleCount()).isEqualTo(2);
            await().atMost(PATIENCE).untilAsserted(() -> {
                List<Decoded.Known> entries = catalog.events(key);
                AdapterCatalogued entry =
                        (AdapterCatalogued) entries.get(entries.size() - 1).event();
                assertThat(entry.labels()).isEqualTo(Map.of("skill", "sql"));
                assertThat(entry.versions()).hasSize(1);
                assertThat(entry.versions().get(0).prototypes()).isEqualTo(file);
                assertThat(entry.versions().get(0).files()).hasSize(2);
            });
        }
    }

    @Test
    void the_prototypes_are_summed_up_module_by_module() throws Exception {
        Uploaded uploaded = upload(12);
        assertThat(HTTP.get(uploaded.route() + "/prototypes").code()).isEqualTo("version_not_ready");
        WorkerVoice.say(WorkerVoice.computed(uploaded.adapter, 1, uploaded.digest, uploaded.storePrototypes()));
        awaitState(uploaded, "READY");
        Answer summary = HTTP.get(uploaded.route() + "/prototypes");
        assertThat(summary.body().path("algorithm").asString()).isEqualTo("arrow-v1");
        assertThat(summary.body().path("modules").size()).isEqualTo(2);
        var module = summary.body().path("modules").get(0);
        assertThat(module.path("module").asString()).isEqualTo(TinyModels.path(0));
        assertThat(module.path("in").asInt()).isEqualTo(8);
        assertThat(module.path("out").asInt()).isEqualTo(8);
        assertThat(module.path("rank").asInt()).isEqualTo(2);
        assertThat(module.path("scaling").asDouble()).isEqualTo(2.0);
        double[] sigma = sigmaByNormalEquations(uploaded.draft, 0);
        assertThat(module.path("sigma1").asDouble()).isCloseTo(sigma[0], within(1e-9 * sigma[0]));
        assertThat(module.path("sigmaRatio").asDouble()).isCloseTo(sigma[1] / sigma[0], within(1e-6));
    }

    /** The two singular values of B·A of rank 2, from the trace and determinant of (BᵀB)(AAᵀ), which is (2, 2). */
    private static double[] sigmaByNormalEquations(TinyModels.Draft draft, int layer) {
        float[] a = draft.values(TinyModels.Draft.a(layer));
        float[] b = draft.values(TinyModels.Draft.b(layer));
        double[][] aa = new double[2][2];
        double[][] bb = new double[2][2];
        for (int i = 0; i < 2; i++) {
            for (int j = 0; j < 2; j++) {
                for (int k = 0; k < TinyModels.HIDDEN; k++) {
                    aa[i][j] += (double) a[i * TinyModels.HIDDEN + k] * a[j * TinyModels.HIDDEN + k];
                    bb[i][j] += (double) b[k * 2 + i] * b[k * 2 + j];
                }
            }
        }
        double trace = bb[0][0] * aa[0][0] + bb[0][1] * aa[1][0] + bb[1][0] * aa[0][1] + bb[1][1] * aa[1][1];
        double determinant = (aa[0][0] * aa[1][1] - aa[0][1] * aa[1][0]) * (bb[0][0] * bb[1][1] - bb[0][1] * bb[1][0]);
        double root = Math.sqrt(trace * trace / 4 - determinant);
        return new double[] {Math.sqrt(trace / 2 + root), Math.sqrt(trace / 2 - root)};
    }

    @Test
    void a_version_that_failed_says_why_and_can_be_sent_to_the_workers_again() throws Exception {
        Uploaded uploaded = upload(13);
        WorkerVoice.say(WorkerVoice.failed(uploaded.adapter, 1, uploaded.digest));
        awaitState(uploaded, "FAILED");
        Answer failed = HTTP.get(uploaded.route());
        assertThat(failed.body().path("failure").path("code").asString()).isEqualTo("zero_update");
        assertThat(failed.body().path("failure").path("module").asString()).isEqualTo(TinyModels.path(0));

        Answer recomputing = HTTP.send("POST", uploaded.route() + ":recompute", "");
        assertThat(recomputing.status()).isEqualTo(202);
        assertThat(recomputing.body().path("state").asString()).isEqualTo("UPLOADED");
        assertThat(recomputing.body().has("failure")).isFalse();
        WorkerVoice.say(WorkerVoice.computed(uploaded.adapter, 1, uploaded.digest, uploaded.storePrototypes()));
        awaitState(uploaded, "READY");
        assertThat(HTTP.send("POST", uploaded.route() + ":recompute", "").code())
                .isEqualTo("version_is_ready");
        try (TopicReader adapters = new TopicReader(Topics.ADAPTERS)) {
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(adapters.types(uploaded.adapter.toString()))
                            .containsExactly("AdapterUploaded", "AdapterFailed", "AdapterUploaded", "AdapterReady"));
        }
    }

    @Test
    void a_version_is_never_ready_without_the_very_file_that_was_announced() throws Exception {
        Uploaded missing = upload(14);
        PrototypeFileRef stored = missing.storePrototypes();
        RunningRegistry.store().delete(new ObjectKey(stored.key()));
        WorkerVoice.say(WorkerVoice.computed(missing.adapter, 1, missing.digest, stored));

        Uploaded changed = upload(15);
        PrototypeFileRef announced = changed.storePrototypes();
        byte[] other = WorkerVoice.prototypes(TinyModels.adapter(16), changed.digest);
        WorkerVoice.store(changed.digest, other);
        WorkerVoice.say(WorkerVoice.computed(changed.adapter, 1, changed.digest, announced));

        Uploaded ofAnother = upload(17);
        byte[] content = WorkerVoice.prototypes(ofAnother.draft, changed.digest);
        WorkerVoice.say(WorkerVoice.computed(
                ofAnother.adapter, 1, ofAnother.digest, WorkerVoice.store(ofAnother.digest, content)));

        Uploaded noFile = upload(18);
        WorkerVoice.say(WorkerVoice.computed(
                noFile.adapter, 1, noFile.digest, WorkerVoice.store(noFile.digest, new byte[] {1, 2, 3})));

        Map<Uploaded, String> codes = Map.of(
                missing, "prototype_file_missing",
                changed, "prototype_file_digest_mismatch",
                ofAnother, "prototype_file_invalid",
                noFile, "prototype_file_invalid");
        codes.forEach((uploaded, code) -> {
            awaitState(uploaded, "FAILED");
            assertThat(HTTP.get(uploaded.route())
                            .body()
                            .path("failure")
                            .path("code")
                            .asString())
                    .isEqualTo(code);
        });
    }

    @Test
    void what_cannot_be_read_or_is_about_nothing_goes_to_the_dead_letters_and_holds_up_nobody() throws Exception {
        Uploaded uploaded = upload(19);
        String key = uploaded.adapter.toString();
        ProducerRecord<String, byte[]> ofLaterVersion =
                WorkerVoice.record(WorkerVoice.started(uploaded.adapter, 1, uploaded.digest));
        ofLaterVersion.headers().remove("ce_type").add("ce_type", bytes("io.quiver.PrototypesStarted.v2"));
        WorkerVoice.send(ofLaterVersion);
        WorkerVoice.send(new ProducerRecord<>(Topics.PROTOTYPES, key, bytes("hello")));
        WorkerVoice.say(WorkerVoice.started(uploaded.adapter, 7, uploaded.digest));
        WorkerVoice.say(WorkerVoice.started(uploaded.adapter, 1, Digest.of(bytes("other"))));
        WorkerVoice.say(WorkerVoice.started(uploaded.adapter, 1, uploaded.digest));
        awaitState(uploaded, "COMPUTING");
        try (TopicReader deadLetters = new TopicReader(Topics.DEAD_LETTERS)) {
            await().atMost(PATIENCE).untilAsserted(() -> {
                List<ConsumerRecord<String, byte[]>> records = deadLetters.records(key);
                assertThat(records).hasSize(4);
                assertThat(records)
                        .extracting(record -> header(record, "kafka_dlt-original-topic"))
                        .containsOnly(Topics.PROTOTYPES);
                assertThat(header(records.get(0), DeadLetter.REASON)).contains("io.quiver.PrototypesStarted.v2");
                assertThat(records.get(1).value()).isEqualTo(bytes("hello"));
                assertThat(header(records.get(2), DeadLetter.REASON)).contains("versions/7");
            });
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String header(ConsumerRecord<String, byte[]> record, String name) {
        return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
    }
}
