package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.lora.evidence.ChooseByEvidence;
import io.quiver.lora.evidence.CompareExamples;
import io.quiver.lora.evidence.EvidenceConstants;
import io.quiver.lora.evidence.EvidenceDecision;
import io.quiver.lora.evidence.LibraryThreshold;
import io.quiver.lora.evidence.PointBaseline;
import io.quiver.lora.evidence.PointCalibration;
import io.quiver.lora.evidence.ProbePoints;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.EvidenceRef;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.StoredFile;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What of calibrations and evidence is resident, and how examples sharpen a decision. */
class EvidenceLibraryTest {
    private static final List<PinnedExpert> EXPERTS =
            List.of(TinyModel.expert("e0"), TinyModel.expert("e1"), TinyModel.expert("e2"));
    private static CalibratedFixture fixture;
    private static Decoder decoder;

    private final AtomicInteger calibrationsRead = new AtomicInteger();
    private final AtomicInteger evidenceRead = new AtomicInteger();
    private final Files files = new Files();
    private final ResidentEvidence resident = new ResidentEvidence(decoder, files);
    private final ExpertPool pool = new ExpertPool(decoder, TinyModel::files, 1 << 30, resident::forget);

    @BeforeAll
    static void open() throws IOException {
        decoder = TinyModel.open();
        fixture = new CalibratedFixture(Catalogues.digest("tiny"), 3);
    }

    @AfterAll
    static void close() {
        decoder.close();
    }

    /** Evidence straight from the fixture, with examples or without. */
    private final class Files implements EvidenceFiles {
        private boolean withExamples;
        private String without = "";
        private boolean broken;

        @Override
        public List<PointBaseline> baselines(CalibrationRef calibration) {
            calibrationsRead.incrementAndGet();
            return fixture.calibration().baselines();
        }

        @Override
        public List<CompareExamples.Frame> frames(CalibrationRef calibration) {
            return ProbePoints.forExamples(fixture.calibration().points().keySet()).stream()
                    .map(point -> fixture.calibration().points().get(point))
                    .map((PointCalibration each) ->
                            new CompareExamples.Frame(each.point(), each.lastMean(), each.whitening()))
                    .toList();
        }

        @Override
        public List<String> examples(StoredFile file) {
            throw new IllegalStateException("no test reads examples from here");
        }

        @Override
        public Measured measured(PinnedExpert expert, EvidenceRef reference) {
            if (broken) {
                throw new IllegalStateException("the store is away");
            }
            evidenceRead.incrementAndGet();
            String name = expert.adapter().name();
            try {
                return new Measured(
                        fixture.evidence(name),
                        withExamples && !name.equals(without)
                                ? Optional.of(fixture.examples(name.hashCode()))
                                : Optional.empty());
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static CalibrationRef calibration(String name) {
        return new CalibrationRef(
                "evidence-v1", "calibrations/" + name, fixture.reference().digest(), 1);
    }

    private static CalibrationRef other(String name) {
        return new CalibrationRef("evidence-v1", "calibrations/" + name, Catalogues.digest(name), 1);
    }

    private static EvidencePlan plan(CalibrationRef calibration, List<PinnedExpert> experts) {
        List<EvidenceRef> references = experts.stream()
                .map(expert -> {
                    Digest file = Catalogues.digest("evidence of " + expert.adapter());
                    return new EvidenceRef(calibration, new PrototypeFileRef("arrow-v1", "prototypes/x", file, 1), 0);
                })
                .toList();
        return new EvidencePlan(calibration, references, OptionalDouble.empty(), false);
    }

    private ResidentEvidence.Lease acquire(CalibrationRef calibration, List<PinnedExpert> experts) {
        return resident.acquire(plan(calibration, experts), experts, pool::grew);
    }

    private static Sequence read(EvidenceLibrary library) {
        Sequence sequence = decoder.open(new Routing.Base(), 100, library.probed());
        decoder.step(List.of(new Feed(sequence, SchedulerRig.prompt(40, 9))));
        return sequence;
    }

    @Test
    void evidence_is_read_once_counts_as_memory_of_its_expert_and_goes_with_it() {
        try (ExpertPool.Lease experts = pool.acquire(EXPERTS)) {
            long before = pool.residentBytes();
            acquire(calibration("a"), EXPERTS).close();
            acquire(calibration("a"), EXPERTS.subList(0, 2)).close();
            assertThat(experts.experts()).hasSize(3);
            assertThat(calibrationsRead).hasValue(1);
            assertThat(evidenceRead).hasValue(3);
            assertThat(pool.residentBytes()).isGreaterThan(before);
        }
        resident.forget(EXPERTS.get(1).digest());
        acquire(calibration("a"), EXPERTS).close();
        assertThat(evidenceRead).hasValue(4);
    }

    @Test
    void a_third_calibration_closes_the_one_used_longest_ago_unless_it_is_in_use() {
        ResidentEvidence.Lease held = acquire(calibration("a"), EXPERTS);
        acquire(other("b"), EXPERTS).close();
        acquire(other("c"), EXPERTS).close();
        assertThat(calibrationsRead).hasValue(3);
        // Still there, since somebody uses it.
        ResidentEvidence.Lease again = held.again();
        held.close();
        try (Sequence sequence = read(again.library())) {
            assertThat(again.library()
                            .decide(sequence, 0, OptionalDouble.empty())
                            .scores())
                    .hasSize(3);
        }
        again.close();
        acquire(other("c"), EXPERTS).close();
        acquire(other("d"), EXPERTS).close();
        acquire(calibration("a"), EXPERTS).close();
        assertThat(calibrationsRead).hasValue(5);
    }

    @Test
    void evidence_that_cannot_be_loaded_is_asked_for_again_by_the_next_request() {
        files.broken = true;
        assertThatThrownBy(() -> acquire(calibration("a"), EXPERTS))
                .isInstanceOfSatisfying(
                        RequestRefusedException.class,
                        refused -> assertThat(refused.code()).isEqualTo(RefusalCode.EXPERT_UNAVAILABLE));
        files.broken = false;
        acquire(calibration("a"), EXPERTS).close();
        assertThat(evidenceRead).hasValue(3);
    }

    @Test
    void the_threshold_is_that_of_the_members() throws IOException {
        List<EvidenceConstants> two = List.of(
                fixture.evidence("e0").constants(), fixture.evidence("e2").constants());
        try (ResidentEvidence.Lease lease = acquire(calibration("a"), List.of(EXPERTS.get(0), EXPERTS.get(2)))) {
            assertThat(lease.library().threshold()).isEqualTo(LibraryThreshold.beyondGeneric(two));
        }
    }

    @Test
    void examples_sharpen_the_scores_where_every_expert_has_some() {
        files.withExamples = true;
        try (ResidentEvidence.Lease lease = acquire(calibration("a"), EXPERTS);
                Sequence sequence = read(lease.library())) {
            EvidenceDecision decision = lease.library().decide(sequence, 0, OptionalDouble.empty());
            assertThat(decision.examples().experts()).isEqualTo(3);
            for (int e = 0; e < 3; e++) {
                assertThat(decision.examples().similarities()[e])
                        .isBetween(-1.0, 1.0)
                        .isNotZero();
                assertThat(decision.scores()[e])
                        .isCloseTo(
                                decision.readings().get(e).score()
                                        + ChooseByEvidence.EXAMPLES_WEIGHT
                                                * decision.examples().coefficients()[e],
                                within(1e-9));
            }
        }
    }

    @Test
    void where_one_expert_has_no_examples_evidence_alone_decides() {
        files.withExamples = true;
        files.without = EXPERTS.get(1).adapter().name();
        try (ResidentEvidence.Lease lease = acquire(calibration("a"), EXPERTS);
                Sequence sequence = read(lease.library())) {
            EvidenceDecision decision = lease.library().decide(sequence, 0, OptionalDouble.empty());
            assertThat(decision.examples().experts()).isZero();
            for (int e = 0; e < 3; e++) {
                assertThat(decision.scores()[e])
                        .isEqualTo(decision.readings().get(e).score());
            }
        }
    }
}
