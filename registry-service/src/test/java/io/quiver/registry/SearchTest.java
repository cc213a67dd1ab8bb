package io.quiver.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.registry.RegistryHttp.Answer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SearchTest {
    private static final RegistryHttp HTTP = RunningRegistry.shared().http();
    private static final String BASE = RunningRegistry.unique("search-base");
    private static final String TAG = RunningRegistry.unique("tag");

    @BeforeAll
    static void upload_some() {
        HTTP.upload("/v1/base-models?name=" + BASE, TinyModels.base(TinyModels.HIDDEN, 1));
        for (int i = 0; i < 5; i++) {
            Answer answer = HTTP.upload(
                    "/v1/adapters/search/" + TAG + "-" + i + "/versions",
                    TinyModels.adapter(200 + i)
                            .form(BASE)
                            .part("labels", "{\"tag\": \"" + TAG + "\", \"parity\": \"" + i % 2 + "\"}"));
            assertThat(answer.status()).as("%s", answer.body()).isEqualTo(201);
        }
    }

    private static List<String> names(Answer page) {
        return page.body()
                .path("items")
                .valueStream()
                .map(item -> item.path("adapter").asString())
                .toList();
    }

    @Test
    void a_selector_leaves_the_adapters_with_all_of_its_labels() {
        assertThat(names(HTTP.get("/v1/adapters?selector=tag=" + TAG))).hasSize(5);
        assertThat(names(HTTP.get("/v1/adapters?selector=tag=" + TAG + ",parity=1")))
                .containsExactly("search/" + TAG + "-1", "search/" + TAG + "-3");
        assertThat(names(HTTP.get("/v1/adapters?selector=tag=" + TAG + ",parity=2")))
                .isEmpty();
    }

    @Test
    void pages_hold_every_adapter_once_and_end() {
        List<String> all = new ArrayList<>();
        String cursor = "";
        int pages = 0;
        do {
            Answer page = HTTP.get(
                    "/v1/adapters?limit=2&selector=tag=" + TAG + (cursor.isEmpty() ? "" : "&cursor=" + cursor));
            all.addAll(names(page));
            cursor = page.body().path("nextCursor").asString("");
            pages++;
        } while (!cursor.isEmpty());
        assertThat(pages).isEqualTo(3);
        assertThat(all).hasSize(5).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void labels_are_replaced_by_an_upload_that_brings_some_and_kept_by_one_that_does_not() {
        String adapter = "/v1/adapters/search/" + RunningRegistry.unique("relabel");
        HTTP.upload(adapter + "/versions", TinyModels.adapter(300).form(BASE).part("labels", "{\"a\": \"1\"}"));
        HTTP.upload(adapter + "/versions", TinyModels.adapter(301).form(BASE));
        assertThat(HTTP.get(adapter).body().path("labels").path("a").asString()).isEqualTo("1");
        HTTP.upload(adapter + "/versions", TinyModels.adapter(301).form(BASE).part("labels", "{\"b\": \"2\"}"));
        assertThat(HTTP.get(adapter).body().path("labels").propertyNames()).containsExactly("b");
    }

    @Test
    void versions_come_newest_first_in_pages() {
        String versions = "/v1/adapters/search/" + RunningRegistry.unique("versions") + "/versions";
        for (int i = 0; i < 3; i++) {
            HTTP.upload(versions, TinyModels.adapter(400 + i).form(BASE));
        }
        Answer first = HTTP.get(versions + "?limit=2");
        assertThat(first.body().path("items").get(0).path("version").asInt()).isEqualTo(3);
        Answer second = HTTP.get(
                versions + "?limit=2&cursor=" + first.body().path("nextCursor").asString());
        assertThat(second.body().path("items").get(0).path("version").asInt()).isEqualTo(1);
        assertThat(second.body().has("nextCursor")).isFalse();
    }

    @Test
    void a_version_that_has_not_changed_is_not_sent_again() {
        String versions = "/v1/adapters/search/" + RunningRegistry.unique("tagged") + "/versions";
        String tag = HTTP.upload(versions, TinyModels.adapter(500).form(BASE))
                .header("ETag")
                .orElseThrow();
        assertThat(HTTP.send("GET", versions + "/1", "", "If-None-Match", tag).status())
                .isEqualTo(304);
    }
}
