package io.quiver.router;

import io.quiver.lora.routability.ExampleReading;
import io.quiver.lora.routability.ExpertRoutability;
import io.quiver.lora.routability.JudgeRoutability;
import io.quiver.lora.routability.LibraryRoutability;
import io.quiver.router.RequestRefusedException.Violation;
import io.quiver.schemas.StoredFile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Reports what is to be expected of each expert of a library that is routed by evidence: the bare base reads the example prompts that
 * the experts came with, the library decides each, and what the experts' files say about generic requests stands for those without.
 *
 * <p>Examples are texts of the scheduler like others, some at a time, which end with the decision. The library stays resident for as
 * long as the report takes.
 */
public final class ReportRoutability {
    /** Examples of one expert that a report reads at most. */
    public static final int EXAMPLES_MAX = 64;

    /** Examples of all experts together: some minutes of a small base on two cores. */
    private static final int ALL_EXAMPLES_MAX = 1024;

    private static final String ROUTING = "routing.";

    private final Catalogue catalogue;
    private final ResolveRouting resolveRouting;
    private final ServedModels models;
    private final Complete complete;
    private final Duration waitMax;

    /** @param waitMax how long a report may take */
    public ReportRoutability(
            Catalogue catalogue,
            ResolveRouting resolveRouting,
            ServedModels models,
            Complete complete,
            Duration waitMax) {
        this.catalogue = catalogue;
        this.resolveRouting = resolveRouting;
        this.models = models;
        this.complete = complete;
        this.waitMax = waitMax;
    }

    /**
     * An expert in a report.
     *
     * @param sameContent other adapters with the same content, which the router does not tell apart
     * @param uploaded how many examples it came with
     * @param unread how many of the examples that were to be read are too long for this router
     */
    public record Expert(
            PinnedExpert expert,
            List<PinnedExpert> sameContent,
            int uploaded,
            int unread,
            ExpertRoutability routability) {
        public Expert {
            sameContent = List.copyOf(sameContent);
        }
    }

    /**
     * What is to be expected of a library.
     *
     * @param sharpened whether requests, unlike the examples here, are also compared with the examples
     * @param experts in the order of the plan
     */
    public record Report(RoutingPlan plan, boolean sharpened, List<Expert> experts, LibraryRoutability library) {
        public Report {
            experts = List.copyOf(experts);
        }
    }

    /**
     * The examples of one expert, as far as they are read.
     *
     * @param uploaded how many there are
     * @param prompts evenly spread over them
     */
    private record Examples(int uploaded, List<String> prompts) {}

    /**
     * Reports on a library.
     *
     * @param model a base model, or {@link ResolveRouting#EVERYTHING}
     * @param examplesMax of each expert that are read, 1 to {@link #EXAMPLES_MAX}; fewer in large libraries
     * @param client who asks
     * @throws RequestRefusedException {@link RefusalCode#NOT_CALIBRATED} if some expert has no evidence, and as completions do
     */
    public Report report(String model, Selection selection, int examplesMax, String client)
            throws InterruptedException {
        long deadlineNanos = System.nanoTime() + waitMax.toNanos();
        try {
            return report(
                    model, ReadExamples.wish(selection, StrategyParameters.NONE), examplesMax, client, deadlineNanos);
        } catch (RequestRefusedException e) {
            throw e.param() == null
                    ? e
                    : new RequestRefusedException(e.violations().stream()
                            .map(ReportRoutability::ofReport)
                            .toList());
        }
    }

    /** A report has no {@code routing} whose fields could be at fault. */
    private static Violation ofReport(Violation violation) {
        String param = violation.param();
        return param == null || !param.startsWith(ROUTING)
                ? violation
                : new Violation(violation.code(), violation.message(), param.substring(ROUTING.length()));
    }

    private Report report(String model, RoutingWish wish, int examplesMax, String client, long deadlineNanos)
            throws InterruptedException {
        if (!catalogue.isReady()) {
            throw new RequestRefusedException(
                    RefusalCode.CATALOGUE_LOADING, "the router is still reading its catalogue", null);
        }
        CatalogueSnapshot snapshot = catalogue.snapshot();
        RoutingPlan plan = resolveRouting.resolve(snapshot, model, wish);
        ServedModel served = models.await(plan.base());
        try (ResidentLibrary library = ResidentLibrary.acquire(served, plan, true)) {
            EvidenceLibrary evidence = Objects.requireNonNull(library.evidence(), "evidence was asked for");
            int each = Math.max(
                    1, Math.min(examplesMax, ALL_EXAMPLES_MAX / plan.experts().size()));
            List<Examples> examples = plan.experts().stream()
                    .map(expert -> examples(served, expert, each))
                    .toList();
            List<List<ExampleReading>> readings = new ReadExamples(
                            complete, plan, served.chatTemplate().isPresent(), client, deadlineNanos)
                    .readAll(examples.stream().map(Examples::prompts).toList());
            LibraryRoutability judged =
                    new JudgeRoutability(evidence.threshold(), evidence.outside(), readings).judge();
            List<Expert> experts = new ArrayList<>();
            for (int e = 0; e < plan.experts().size(); e++) {
                PinnedExpert expert = plan.experts().get(e);
                experts.add(new Expert(
                        expert,
                        sameContent(snapshot, expert),
                        examples.get(e).uploaded(),
                        examples.get(e).prompts().size() - readings.get(e).size(),
                        judged.experts().get(e)));
            }
            return new Report(plan, evidence.comparesExamples(), experts, judged);
        }
    }

    private static Examples examples(ServedModel served, PinnedExpert expert, int countMax) {
        StoredFile file = expert.content().examples();
        if (file == null) {
            return new Examples(0, List.of());
        }
        List<String> prompts;
        try {
            prompts = served.evidence().examples(file);
        } catch (RuntimeException e) {
            throw new RequestRefusedException(
                    RefusalCode.EXPERT_UNAVAILABLE,
                    "the examples of expert " + expert.label() + " cannot be loaded: " + e.getMessage(),
                    ROUTING + "experts",
                    e);
        }
        int count = Math.min(countMax, prompts.size());
        List<String> spread = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            spread.add(prompts.get((int) ((long) i * prompts.size() / count)));
        }
        return new Examples(prompts.size(), spread);
    }

    private static List<PinnedExpert> sameContent(CatalogueSnapshot snapshot, PinnedExpert expert) {
        return snapshot.select(expert.base(), labels -> true).stream()
                .filter(other -> other.digest().equals(expert.digest())
                        && !other.adapter().equals(expert.adapter()))
                .toList();
    }
}
