package io.quiver.router;

import static io.quiver.router.Catalogues.adapter;
import static io.quiver.router.Catalogues.baseModel;
import static io.quiver.router.Catalogues.digest;
import static io.quiver.router.Catalogues.version;
import static io.quiver.schemas.AdapterState.DEPRECATED;
import static io.quiver.schemas.AdapterState.READY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.quiver.decoder.Combine;
import io.quiver.schemas.LabelSelector;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ResolveRoutingTest {
    private static final int EXPERTS_MAX = 4;
    private final ResolveRouting resolve = new ResolveRouting(new RoutingDefaults(3, 1.0, EXPERTS_MAX));
    private final CatalogueSnapshot catalogue = CatalogueSnapshot.EMPTY.with(List.of(
            baseModel("tiny"),
            adapter("team/poems", Map.of("skill", "poems"), Map.of(), version(1, "tiny", "poems 1", READY)),
            adapter(
                    "team/sql",
                    Map.of("skill", "sql"),
                    Map.of("champion", 1),
                    version(1, "tiny", "sql 1", READY),
                    version(2, "tiny", "sql 2", READY),
                    version(3, "tiny", "sql 3", DEPRECATED))));

    private static RoutingWish named(String... references) {
        return wish(new Selection.Named(Arrays.asList(references)), null);
    }

    private static RoutingWish wish(@Nullable Selection selection, @Nullable Strategy strategy) {
        return new RoutingWish(selection, strategy, null, null, null, TraceDetail.NONE);
    }

    private List<String> contents(RoutingWish wish) {
        return resolve.resolve(catalogue, "tiny", wish).experts().stream()
                .map(expert -> expert.adapter() + ":" + expert.version())
                .toList();
    }

    private RequestRefusedException refusal(String model, RoutingWish wish) {
        return refusal(catalogue, model, wish);
    }

    private RequestRefusedException refusal(CatalogueSnapshot snapshot, String model, RoutingWish wish) {
        return catchThrowableOfType(RequestRefusedException.class, () -> resolve.resolve(snapshot, model, wish));
    }

    @Test
    void a_base_model_without_routing_is_the_base_alone() {
        RoutingPlan plan = resolve.resolve(catalogue, "tiny", RoutingWish.NONE);
        assertThat(plan.strategy()).isEqualTo(Strategy.BASE);
        assertThat(plan.experts()).isEmpty();
    }

    @Test
    void every_form_of_reference_is_pinned_in_the_order_asked_for() {
        assertThat(contents(named("team/sql", "team/sql:1", "team/poems", "team/sql:3")))
                .containsExactly("team/sql:2", "team/sql:1", "team/poems:1", "team/sql:3");
        assertThat(contents(named("team/sql@champion"))).containsExactly("team/sql:1");
        assertThat(contents(named(digest("sql 3").toString()))).containsExactly("team/sql:3");
    }

    @Test
    void latest_means_the_newest_ready_version_and_not_a_deprecated_one() {
        assertThat(contents(named("team/sql"))).containsExactly("team/sql:2");
    }

    @Test
    void the_same_content_named_twice_is_one_expert() {
        assertThat(contents(named(
                        "team/sql", "team/sql:2", "team/poems", digest("sql 2").toString())))
                .containsExactly("team/sql:2", "team/poems:1");
    }

    @Test
    void all_and_a_selector_take_the_newest_ready_versions_by_name() {
        assertThat(contents(wish(new Selection.All(), null))).containsExactly("team/poems:1", "team/sql:2");
        assertThat(contents(wish(new Selection.Labelled(LabelSelector.parse("skill=sql")), null)))
                .containsExactly("team/sql:2");
    }

    @Test
    void the_model_quiver_is_arrow_over_all_experts_of_the_only_base() {
        RoutingPlan plan = resolve.resolve(catalogue, "quiver", RoutingWish.NONE);
        assertThat(plan.strategy()).isEqualTo(Strategy.ARROW);
        assertThat(plan.experts()).hasSize(2);
        assertThat(plan.topK()).isEqualTo(3);
        assertThat(plan.temperature()).isEqualTo(1.0);
        assertThat(plan.combine()).isEqualTo(Combine.OUTPUTS);
        assertThat(refusal(catalogue.with(List.of(baseModel("other"))), "quiver", RoutingWish.NONE)
                        .code())
                .isEqualTo(RefusalCode.MODEL_NOT_FOUND);
    }

    @Test
    void an_adapter_as_model_is_that_single_expert_on_its_base() {
        RoutingPlan plan = resolve.resolve(catalogue, "team/sql@champion", RoutingWish.NONE);
        assertThat(plan.strategy()).isEqualTo(Strategy.SINGLE);
        assertThat(plan.base().name()).isEqualTo("tiny");
        assertThat(plan.experts()).extracting(PinnedExpert::version).containsExactly(1);
    }

    @Test
    void an_unknown_name_is_not_found_and_the_parameter_is_named() {
        for (String unknown : List.of("nobody", "team/none", "team/sql:9", "team/sql@none", "../etc/passwd")) {
            RequestRefusedException asModel = refusal(unknown, RoutingWish.NONE);
            assertThat(asModel.code()).isEqualTo(RefusalCode.MODEL_NOT_FOUND);
            assertThat(asModel.param()).isEqualTo("model");
            RequestRefusedException asExpert = refusal("tiny", named("team/sql", unknown));
            assertThat(asExpert.code()).isEqualTo(RefusalCode.MODEL_NOT_FOUND);
            assertThat(asExpert.param()).isEqualTo("routing.experts");
        }
    }

    @Test
    void an_expert_of_another_base_is_refused() {
        CatalogueSnapshot two = catalogue.with(List.of(
                baseModel("other"), adapter("team/far", Map.of(), Map.of(), version(1, "other", "far 1", READY))));
        assertThat(refusal(two, "tiny", named("team/far")).code()).isEqualTo(RefusalCode.BASE_MISMATCH);
    }

    @Test
    void one_expert_more_than_the_limit_is_refused() {
        CatalogueSnapshot full = catalogue;
        for (int i = 0; i < EXPERTS_MAX + 1; i++) {
            full = full.with(List.of(
                    adapter("many/e" + i, Map.of("set", "many"), Map.of(), version(1, "tiny", "many " + i, READY))));
        }
        String[] five =
                IntStream.range(0, EXPERTS_MAX + 1).mapToObj(i -> "many/e" + i).toArray(String[]::new);
        assertThat(refusal(full, "tiny", named(five)).code()).isEqualTo(RefusalCode.TOO_MANY_EXPERTS);
        assertThat(resolve.resolve(full, "tiny", named(Arrays.copyOf(five, EXPERTS_MAX)))
                        .experts())
                .hasSize(EXPERTS_MAX);
    }

    @Test
    void what_does_not_go_together_is_refused() {
        assertThat(refusal("tiny", wish(null, Strategy.ARROW)).code()).isEqualTo(RefusalCode.INVALID_REQUEST);
        assertThat(refusal("tiny", wish(new Selection.All(), Strategy.SINGLE)).param())
                .isEqualTo("routing.strategy");
        assertThat(refusal("team/sql", named("team/poems")).param()).isEqualTo("routing.experts");
        assertThat(refusal("team/sql", wish(null, Strategy.ARROW)).param()).isEqualTo("routing.strategy");
        assertThat(refusal("tiny", wish(new Selection.Labelled(LabelSelector.parse("skill=none")), null))
                        .code())
                .isEqualTo(RefusalCode.LIBRARY_EMPTY);
        assertThat(refusal(
                                "tiny",
                                new RoutingWish(
                                        new Selection.All(),
                                        Strategy.UNIFORM,
                                        null,
                                        null,
                                        Combine.FACTORS,
                                        TraceDetail.NONE))
                        .code())
                .isEqualTo(RefusalCode.UNSUPPORTED_PARAMETER);
    }

    @Test
    void the_library_digest_depends_on_the_contents_and_their_order_alone() {
        RoutingPlan a = resolve.resolve(catalogue, "tiny", named("team/sql:2", "team/poems"));
        assertThat(resolve.resolve(catalogue, "tiny", named("team/sql", "team/poems:1"))
                        .libraryDigest())
                .isEqualTo(a.libraryDigest());
        assertThat(resolve.resolve(catalogue, "tiny", named("team/poems", "team/sql"))
                        .libraryDigest())
                .isNotEqualTo(a.libraryDigest());
    }

    @Test
    void a_plan_does_not_change_when_an_alias_moves() {
        RoutingPlan before = resolve.resolve(catalogue, "team/sql@champion", RoutingWish.NONE);
        CatalogueSnapshot later = catalogue.with(List.of(adapter(
                "team/sql",
                Map.of(),
                Map.of("champion", 2),
                version(1, "tiny", "sql 1", READY),
                version(2, "tiny", "sql 2", READY))));
        assertThat(before.experts().get(0).digest()).isEqualTo(digest("sql 1"));
        assertThat(resolve.resolve(later, "team/sql@champion", RoutingWish.NONE)
                        .experts()
                        .get(0)
                        .digest())
                .isEqualTo(digest("sql 2"));
    }

    @Test
    void a_tombstone_takes_an_adapter_or_a_base_away() {
        CatalogueSnapshot without = catalogue.with(List.of(new CatalogueChange.Removed("team/sql")));
        assertThat(refusal(without, "tiny", named("team/sql")).code()).isEqualTo(RefusalCode.MODEL_NOT_FOUND);
        assertThat(without.with(List.of(new CatalogueChange.Removed("base/tiny")))
                        .bases())
                .isEmpty();
    }
}
