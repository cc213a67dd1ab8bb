package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.registry.RegistryHttp.Answer;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterCatalogued;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AliasTest {
    private static final RunningRegistry REGISTRY = RunningRegistry.shared();
    private static final RegistryHttp HTTP = REGISTRY.http();

    private final String base = RunningRegistry.unique("alias-base");
    private AdapterName adapter;
    private String alias;

    /** Versions 1 and 2 are ready, 3 is not. */
    @BeforeEach
    void upload_three_versions() {
        HTTP.upload("/v1/base-models?name=" + base, TinyModels.base(TinyModels.HIDDEN, 1));
        adapter = new AdapterName("alias", RunningRegistry.unique("adapter"));
        alias = "/v1/adapters/" + adapter + "/aliases/champion";
        for (int version = 1; version <= 3; version++) {
            TinyModels.Draft draft = TinyModels.adapter(100 + version);
            Answer answer = HTTP.upload("/v1/adapters/" + adapter + "/versions", draft.form(base));
            assertThat(answer.status()).as("%s", answer.body()).isEqualTo(201);
            Digest digest = Digest.parse(answer.body().path("digest").asString());
            if (version < 3) {
                PrototypeFileRef file = WorkerVoice.store(digest, WorkerVoice.prototypes(draft, digest));
                REGISTRY.bean(RecordOutcome.class).on(WorkerVoice.computed(adapter, version, digest, file));
            }
        }
    }

    @Test
    void an_alias_is_made_moved_read_and_taken_away() {
        Answer made = HTTP.send("PUT", alias, "{\"version\": 1}");
        assertThat(made.status()).as("%s", made.body()).isEqualTo(201);
        Answer moved = HTTP.send("PUT", alias, "{\"version\": 2}");
        assertThat(moved.status()).isEqualTo(200);
        assertThat(moved.header("ETag")).isNotEqualTo(made.header("ETag"));
        assertThat(HTTP.get(alias).body().path("version").asInt()).isEqualTo(2);
        assertThat(HTTP.get(alias).header("ETag")).isEqualTo(moved.header("ETag"));
        assertThat(HTTP.get("/v1/adapters/" + adapter)
                        .body()
                        .path("aliases")
                        .path("champion")
                        .asInt())
                .isEqualTo(2);
        assertThat(HTTP.send("DELETE", alias, "").status()).isEqualTo(204);
        assertThat(HTTP.get(alias).code()).isEqualTo("alias_unknown");
        assertThat(HTTP.send("DELETE", alias, "").code()).isEqualTo("alias_unknown");
    }

    @Test
    void an_alias_points_only_to_what_can_be_routed_to() {
        assertThat(HTTP.send("PUT", alias, "{\"version\": 3}").code()).isEqualTo("version_not_ready");
        assertThat(HTTP.send("PUT", alias, "{\"version\": 4}").code()).isEqualTo("version_unknown");
    }

    @Test
    void of_many_who_move_an_alias_from_what_they_saw_one_succeeds() {
        String seen = HTTP.send("PUT", alias, "{\"version\": 1}").header("ETag").orElseThrow();
        List<CompletableFuture<Answer>> racers = IntStream.range(0, 6)
                .mapToObj(racer -> CompletableFuture.supplyAsync(
                        () -> HTTP.send("PUT", alias, "{\"version\": 2}", "If-Match", seen)))
                .toList();
        List<Integer> statuses =
                racers.stream().map(racer -> racer.join().status()).toList();
        assertThat(statuses).containsOnlyOnce(200);
        assertThat(statuses.stream().filter(status -> status == 412)).hasSize(5);
    }

    @Test
    void preconditions_are_held() {
        assertThat(HTTP.send("PUT", alias, "{\"version\": 1}", "If-Match", "*").code())
                .isEqualTo("precondition_failed");
        assertThat(HTTP.send("PUT", alias, "{\"version\": 1}", "If-None-Match", "*")
                        .status())
                .isEqualTo(201);
        assertThat(HTTP.send("PUT", alias, "{\"version\": 2}", "If-None-Match", "*")
                        .status())
                .isEqualTo(412);
        assertThat(HTTP.send("PUT", alias, "{\"version\": 2}", "If-Match", "\"0\"")
                        .status())
                .isEqualTo(412);
        assertThat(HTTP.send("DELETE", alias, "", "If-Match", "\"0\"").status()).isEqualTo(412);
        String tag = HTTP.get(alias).header("ETag").orElseThrow();
        assertThat(HTTP.send("DELETE", alias, "", "If-Match", tag).status()).isEqualTo(204);
        // The same place again has another tag: what was seen before is not what is there.
        HTTP.send("PUT", alias, "{\"version\": 1}");
        assertThat(HTTP.send("DELETE", alias, "", "If-Match", tag).status()).isEqualTo(412);
    }

    @Test
    void the_catalogue_hears_of_every_move_in_the_transaction_of_the_move() {
        HTTP.send("PUT", alias, "{\"version\": 1}");
        HTTP.send("PUT", alias, "{\"version\": 2}");
        assertThat(REGISTRY.bean(Adapters.class).snapshot(adapter).aliases()).containsEntry("champion", 2);
        try (TopicReader catalog = new TopicReader(Topics.CATALOG)) {
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(catalog.events(adapter.toString()))
                            .extracting(known -> ((AdapterCatalogued) known.event()).aliases())
                            .endsWith(Map.of("champion", 1), Map.of("champion", 2)));
        }
    }
}
