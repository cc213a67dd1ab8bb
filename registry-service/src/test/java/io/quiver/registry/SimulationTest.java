package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quiver.objectstore.ObjectKey;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.AdapterState;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event;
import io.quiver.schemas.EventJson;
import io.quiver.schemas.EventType;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Uploads and the workers' news under a seed: duplicated, out of order, from several threads. Invariants hold throughout. */
class SimulationTest {
    private static final RunningRegistry REGISTRY = RunningRegistry.shared();
    private static final RegistryHttp HTTP = REGISTRY.http();
    private static final String BASE = RunningRegistry.unique("simulation-base");

    @BeforeAll
    static void register_the_base() {
        HTTP.upload("/v1/base-models?name=" + BASE, TinyModels.base(TinyModels.HIDDEN, 1));
    }

    private static RegistryHttp.Answer upload(AdapterName adapter, long seed) {
        return HTTP.upload(
                "/v1/adapters/" + adapter + "/versions",
                TinyModels.adapter(seed).form(BASE));
    }

    @Test
    void the_same_content_uploaded_at_once_is_one_version() {
        AdapterName adapter = new AdapterName("sim", RunningRegistry.unique("same"));
        List<RegistryHttp.Answer> answers = atOnce(6, i -> upload(adapter, 1));
        assertThat(answers).allMatch(answer -> answer.body().path("version").asInt() == 1);
        assertThat(answers.stream().filter(answer -> answer.status() == 201)).hasSize(1);
        assertThat(answers.stream().filter(answer -> answer.status() == 200)).hasSize(5);
        assertThat(events(adapter)).hasSize(1);
    }

    @Test
    void different_contents_uploaded_at_once_get_versions_without_a_gap() {
        AdapterName adapter = new AdapterName("sim", RunningRegistry.unique("different"));
        List<RegistryHttp.Answer> answers = atOnce(8, i -> upload(adapter, i / 2));
        assertThat(answers.stream()
                        .filter(answer -> answer.status() == 201)
                        .map(answer -> answer.body().path("version").asInt()))
                .containsExactlyInAnyOrder(1, 2, 3, 4);
    }

    private static List<RegistryHttp.Answer> atOnce(int count, IntFunction<RegistryHttp.Answer> call) {
        List<CompletableFuture<RegistryHttp.Answer>> calls = IntStream.range(0, count)
                .mapToObj(i -> CompletableFuture.supplyAsync(() -> call.apply(i)))
                .toList();
        return calls.stream().map(CompletableFuture::join).toList();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void news_in_any_order_and_number_leave_the_same_truth(long seed) {
        Random random = new Random(seed);
        AdapterName adapter = new AdapterName("sim", RunningRegistry.unique("news"));
        List<Event> news = new ArrayList<>();
        Set<Integer> computable = new HashSet<>();
        Set<Integer> broken = new HashSet<>();
        int versions = 2 + random.nextInt(3);
        for (int version = 1; version <= versions; version++) {
            long content = seed * 100 + version;
            Digest digest =
                    Digest.parse(upload(adapter, content).body().path("digest").asString());
            news.add(WorkerVoice.started(adapter, version, digest));
            switch (random.nextInt(3)) {
                case 0 -> news.add(WorkerVoice.failed(adapter, version, digest));
                case 1 -> {
                    // A worker that saw the world fail, and another that did the work.
                    news.add(WorkerVoice.failed(adapter, version, digest));
                    news.add(computed(adapter, version, digest, content));
                    computable.add(version);
                }
                default -> {
                    if (random.nextInt(4) == 0) {
                        broken.add(version);
                        PrototypeFileRef file =
                                ((Event.PrototypesComputed) computed(adapter, version, digest, content)).prototypes();
                        RunningRegistry.store().delete(new ObjectKey(file.key()));
                        news.add(WorkerVoice.computed(adapter, version, digest, file));
                    } else {
                        news.add(computed(adapter, version, digest, content));
                        computable.add(version);
                    }
                }
            }
        }
        List<Event> delivered = new ArrayList<>(news);
        for (int i = 0; i < news.size(); i++) {
            delivered.add(news.get(random.nextInt(news.size())));
        }
        Collections.shuffle(delivered, random);
        RecordOutcome record = REGISTRY.bean(RecordOutcome.class);
        for (int i = 0; i < delivered.size(); i += 2) {
            // Two consumers at once, as while partitions move between replicas.
            Event first = delivered.get(i);
            Event second = delivered.get(Math.min(i + 1, delivered.size() - 1));
            CompletableFuture<Void> other = CompletableFuture.runAsync(() -> record.on(second));
            record.on(first);
            other.join();
            requireInvariants(adapter, versions);
        }
        for (int version = 1; version <= versions; version++) {
            AdapterState expected = computable.contains(version) ? AdapterState.READY : AdapterState.FAILED;
            assertThat(state(adapter, version))
                    .as("version %s, seed %s", version, seed)
                    .isEqualTo(expected);
        }
        assertThat(broken).noneMatch(computable::contains);
        try (TopicReader topic = new TopicReader(Topics.ADAPTERS)) {
            List<String> committed =
                    events(adapter).stream().map(row -> row.type().shortName()).toList();
            await().atMost(Duration.ofSeconds(30))
                    .untilAsserted(
                            () -> assertThat(topic.types(adapter.toString())).isEqualTo(committed));
        }
    }

    private static Event computed(AdapterName adapter, int version, Digest digest, long content) {
        byte[] file = WorkerVoice.prototypes(TinyModels.adapter(content), digest);
        return WorkerVoice.computed(adapter, version, digest, WorkerVoice.store(digest, file));
    }

    private static AdapterState state(AdapterName adapter, int version) {
        return REGISTRY.bean(Adapters.class)
                .find(adapter, version)
                .map(AdapterVersion::state)
                .orElseThrow();
    }

    private static List<Outbox.Row> events(AdapterName adapter) {
        return REGISTRY.bean(Outbox.class).after(0, new Outbox.Filter(Set.of(), Optional.of(adapter)), 1000);
    }

    /** Versions without gaps; ready only with a readable file; ready told once and last; the catalogue is what is ready. */
    private static void requireInvariants(AdapterName adapter, int versions) {
        Adapters adapters = REGISTRY.bean(Adapters.class);
        List<AdapterVersion> all = adapters.versions(adapter, Integer.MAX_VALUE, 100);
        assertThat(all)
                .extracting(AdapterVersion::version)
                .hasSize(versions)
                .isSortedAccordingTo(Collections.reverseOrder());
        assertThat(all.get(0).version()).isEqualTo(versions);
        for (AdapterVersion version : all) {
            if (version.state() == AdapterState.READY) {
                assertThat(version.prototypes()).isNotNull();
                assertThat(RunningRegistry.store()
                                .find(new ObjectKey(version.prototypes().key())))
                        .isPresent();
                assertThat(adapters.modules(adapter, version.version())).hasSize(TinyModels.LAYERS);
            }
        }
        Map<Integer, List<EventType>> told = new HashMap<>();
        for (Outbox.Row row : events(adapter)) {
            Event event = EventJson.read(row.type(), row.data().getBytes(StandardCharsets.UTF_8));
            told.computeIfAbsent(((Event.AboutVersion) event).version(), version -> new ArrayList<>())
                    .add(row.type());
        }
        told.forEach((version, types) -> {
            assertThat(types.get(0)).isEqualTo(EventType.ADAPTER_UPLOADED);
            assertThat(types.stream().filter(EventType.ADAPTER_READY::equals)).hasSizeLessThan(2);
            if (types.contains(EventType.ADAPTER_READY)) {
                assertThat(types).endsWith(EventType.ADAPTER_READY);
            }
        });
        assertThat(adapters.snapshot(adapter).versions())
                .extracting(Event.CataloguedVersion::version)
                .containsExactlyElementsOf(all.stream()
                        .filter(version -> version.state() == AdapterState.READY)
                        .map(AdapterVersion::version)
                        .sorted()
                        .toList());
    }
}
