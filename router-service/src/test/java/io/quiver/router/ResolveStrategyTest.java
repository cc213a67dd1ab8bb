package io.quiver.router;

import static io.quiver.router.Catalogues.digest;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.quiver.decoder.Combine;
import io.quiver.router.StrategyDefault.Reason;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.AdapterState;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.CataloguedVersion;
import io.quiver.schemas.EvidenceRef;
import io.quiver.schemas.PrototypeFileRef;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which strategy a library is routed by, and by which calibration it is compared. */
class ResolveStrategyTest {
    private static final RoutingWish NOTHING =
            new RoutingWish(new Selection.All(), null, null, null, null, TraceDetail.NONE);

    private static CalibrationRef calibration(String name) {
        return new CalibrationRef("evidence-v1", "calibrations/" + name, digest(name), 1);
    }

    private static BaseModel base(@Nullable String calibration) {
        return new BaseModel(
                Catalogues.base("tiny"),
                List.of(),
                Catalogues.TIME,
                Optional.ofNullable(calibration).map(ResolveStrategyTest::calibration));
    }

    /** An expert with evidence against some calibrations. */
    private static PinnedExpert expert(String name, String... calibrations) {
        CataloguedVersion plain = Catalogues.version(1, "tiny", name, AdapterState.READY);
        List<EvidenceRef> evidence = Arrays.stream(calibrations)
                .map(each -> new EvidenceRef(
                        calibration(each), new PrototypeFileRef("arrow-v1", "p", digest(name + each), 1), 0))
                .toList();
        return new PinnedExpert(
                AdapterName.parse("t/" + name),
                new CataloguedVersion(
                        1,
                        plain.digest(),
                        plain.state(),
                        plain.base(),
                        plain.files(),
                        plain.prototypes(),
                        plain.readyAt(),
                        evidence,
                        null));
    }

    private static ResolveStrategy.Resolved resolve(BaseModel base, RoutingWish wish, PinnedExpert... experts) {
        return new ResolveStrategy(base, List.of(experts), wish).resolve();
    }

    private static Reason reason(ResolveStrategy.Resolved resolved) {
        return resolved.because().orElseThrow().reason();
    }

    private static RoutingWish evidence(@Nullable Digest calibration) {
        StrategyParameters parameters =
                new StrategyParameters(null, null, null, null, null, null, null, null, null, null, calibration);
        return new RoutingWish(new Selection.All(), Strategy.EVIDENCE, null, null, null, TraceDetail.NONE, parameters);
    }

    @Test
    void the_newest_calibration_of_the_base_is_taken_where_all_experts_have_it() {
        ResolveStrategy.Resolved resolved =
                resolve(base("new"), NOTHING, expert("a", "new", "old"), expert("b", "new", "old"));
        assertThat(resolved.strategy()).isEqualTo(Strategy.EVIDENCE);
        assertThat(reason(resolved)).isEqualTo(Reason.CALIBRATED);
        SharedCalibration common = resolved.common().orElseThrow();
        assertThat(common.calibration().digest()).isEqualTo(digest("new"));
        assertThat(common.references())
                .extracting(each -> each.prototypes().digest())
                .containsExactly(digest("anew"), digest("bnew"));
    }

    @Test
    void while_experts_are_measured_anew_the_calibration_before_goes_on_serving() {
        SharedCalibration common = resolve(base("new"), NOTHING, expert("a", "new", "old"), expert("b", "old"))
                .common()
                .orElseThrow();
        assertThat(common.calibration().digest()).isEqualTo(digest("old"));
        assertThat(common.references())
                .extracting(each -> each.prototypes().digest())
                .containsExactly(digest("aold"), digest("bold"));
    }

    @Test
    void a_library_that_cannot_be_compared_is_routed_by_arrow_and_the_reason_is_known() {
        ResolveStrategy.Resolved one = resolve(base("new"), NOTHING, expert("a", "new"), expert("b", "old"));
        assertThat(one.strategy()).isEqualTo(Strategy.ARROW);
        assertThat(reason(one)).isEqualTo(Reason.EXPERTS_NOT_CALIBRATED);
        assertThat(one.because().orElseThrow().experts())
                .extracting(each -> each.adapter().name())
                .containsExactly("b");
        assertThat(reason(resolve(base(null), NOTHING, expert("a")))).isEqualTo(Reason.BASE_NOT_CALIBRATED);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void more_than_two_experts_at_once_are_a_gates_business(int topK) {
        RoutingWish wish = new RoutingWish(new Selection.All(), null, topK, null, null, TraceDetail.NONE);
        assertThat(reason(resolve(base("new"), wish, expert("a", "new"))))
                .isEqualTo(topK > 2 ? Reason.GATE_PARAMETERS : Reason.CALIBRATED);
    }

    @Test
    void mixed_factors_are_a_gates_business() {
        RoutingWish wish = new RoutingWish(new Selection.All(), null, null, null, Combine.FACTORS, TraceDetail.NONE);
        assertThat(reason(resolve(base("new"), wish, expert("a", "new")))).isEqualTo(Reason.GATE_PARAMETERS);
    }

    @Test
    void a_calibration_that_is_named_is_the_one_or_the_request_is_refused() {
        PinnedExpert[] library = {expert("a", "new", "old"), expert("b", "new", "old")};
        assertThat(resolve(base("new"), evidence(digest("old")), library)
                        .common()
                        .orElseThrow()
                        .calibration()
                        .digest())
                .isEqualTo(digest("old"));
        RequestRefusedException refused = catchThrowableOfType(
                RequestRefusedException.class, () -> resolve(base("new"), evidence(digest("gone")), library));
        assertThat(refused.code()).isEqualTo(RefusalCode.NOT_CALIBRATED);
        assertThat(refused.param()).isEqualTo("routing.calibration");
        assertThat(refused).hasMessageContainingAll("t/a", "t/b");
        RequestRefusedException none = catchThrowableOfType(
                RequestRefusedException.class, () -> resolve(base(null), evidence(null), expert("a")));
        assertThat(none).hasMessageContaining("has no calibration");
    }
}
