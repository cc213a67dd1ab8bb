package io.quiver.router;

import io.quiver.decoder.Combine;
import io.quiver.lora.merge.GeneralKnowledge;
import io.quiver.schemas.Digest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Turns the model and the routing of a request into pinned digests. Names are looked up here and nowhere later. */
public final class ResolveRouting {
    /** The model name that means all experts of the only base model. */
    public static final String EVERYTHING = "quiver";

    private static final String MODEL = "model";
    private static final String EXPERTS = "routing.experts";
    private static final String GENERAL = "routing.general_knowledge.experts";
    private static final String STRATEGY = "routing.strategy";
    private static final int SUGGESTIONS_MAX = 10;

    private static final ResolveStrategy.Resolved ALONE =
            new ResolveStrategy.Resolved(Strategy.BASE, Optional.empty(), Optional.empty());
    private static final ResolveStrategy.Resolved ONE =
            new ResolveStrategy.Resolved(Strategy.SINGLE, Optional.empty(), Optional.empty());

    private final RoutingDefaults defaults;

    public ResolveRouting(RoutingDefaults defaults) {
        this.defaults = defaults;
    }

    /** @throws RequestRefusedException if a name is unknown or the parts of the request do not go together */
    public RoutingPlan resolve(CatalogueSnapshot catalogue, String model, RoutingWish wish) {
        Optional<BaseModel> named = catalogue.base(model);
        if (named.isPresent()) {
            return onBase(catalogue, named.get(), wish);
        }
        if (model.equals(EVERYTHING)) {
            return onBase(catalogue, onlyBase(catalogue), everythingUnlessSaid(wish));
        }
        return single(catalogue, find(catalogue, model, MODEL), wish);
    }

    private RoutingPlan onBase(CatalogueSnapshot catalogue, BaseModel base, RoutingWish wish) {
        List<PinnedExpert> general = general(catalogue, base, wish.parameters());
        List<PinnedExpert> experts = experts(catalogue, base, wish.selection());
        if (!(wish.selection() instanceof Selection.Named)) {
            // Who asks for all wants all that are routed to.
            experts = experts.stream()
                    .filter(expert -> !contains(general, expert))
                    .toList();
        }
        Strategy said = wish.strategy();
        if (said == Strategy.BASE || (said == null && wish.selection() == null)) {
            return plan(catalogue, base, ALONE, List.of(), wish);
        }
        if (said != null && wish.selection() == null) {
            throw refused("strategy " + said.word() + " needs experts: give experts, selector or all", EXPERTS);
        }
        if (experts.isEmpty()) {
            throw new RequestRefusedException(
                    RefusalCode.LIBRARY_EMPTY,
                    "no expert that is ready on base model " + base.name() + " fits the selection",
                    wish.selection() instanceof Selection.Labelled ? "routing.selector" : EXPERTS);
        }
        if (experts.size() > defaults.expertsMax()) {
            throw new RequestRefusedException(
                    RefusalCode.TOO_MANY_EXPERTS,
                    experts.size() + " experts; the limit is " + defaults.expertsMax(),
                    EXPERTS);
        }
        if (said == Strategy.SINGLE && experts.size() != 1) {
            throw refused("strategy single takes one expert, but there are " + experts.size(), STRATEGY);
        }
        return plan(catalogue, base, new ResolveStrategy(base, experts, wish).resolve(), experts, wish);
    }

    private RoutingPlan single(CatalogueSnapshot catalogue, PinnedExpert expert, RoutingWish wish) {
        if (wish.selection() != null) {
            throw refused(
                    "model is already an expert; to choose among experts, set model to "
                            + expert.base().name(),
                    EXPERTS);
        }
        if (wish.strategy() != null && wish.strategy() != Strategy.SINGLE) {
            throw refused("model is an expert, which is strategy single", STRATEGY);
        }
        BaseModel base = catalogue
                .base(expert.base())
                .orElseThrow(() -> notFound(
                        "base model " + expert.base().name() + " of " + expert.adapter() + " is not in the catalogue",
                        MODEL));
        return plan(catalogue, base, ONE, List.of(expert), wish);
    }

    private RoutingPlan plan(
            CatalogueSnapshot catalogue,
            BaseModel base,
            ResolveStrategy.Resolved how,
            List<PinnedExpert> experts,
            RoutingWish wish) {
        Strategy strategy = how.strategy();
        ResolveParameters.Resolved resolved = new ResolveParameters(strategy, wish, experts.size()).resolve();
        return new RoutingPlan(
                base,
                strategy,
                experts,
                wish.topK() == null ? topK(strategy) : wish.topK(),
                wish.temperature() == null ? defaults.temperature() : wish.temperature(),
                wish.combine() == null ? Combine.OUTPUTS : wish.combine(),
                wish.trace(),
                resolved.scoring(),
                resolved.weights(),
                resolved.merge(),
                subtraction(experts, general(catalogue, base, wish.parameters()), wish.parameters()),
                how.evidence(wish.parameters()),
                how.because());
    }

    private int topK(Strategy strategy) {
        return strategy == Strategy.EVIDENCE ? 1 : defaults.topK();
    }

    /** The adapters whose knowledge is to be subtracted; none if that is not asked for. */
    private List<PinnedExpert> general(CatalogueSnapshot catalogue, BaseModel base, StrategyParameters parameters) {
        List<String> references = parameters.generalExperts();
        if (references == null) {
            return List.of();
        }
        List<PinnedExpert> general = distinct(references.stream()
                .map(reference -> onBase(find(catalogue, reference, GENERAL), base, reference, GENERAL))
                .toList());
        if (general.size() > defaults.expertsMax()) {
            throw new RequestRefusedException(
                    RefusalCode.TOO_MANY_EXPERTS,
                    general.size() + " general adapters; the limit is " + defaults.expertsMax(),
                    GENERAL);
        }
        return general;
    }

    private static Optional<Subtraction> subtraction(
            List<PinnedExpert> experts, List<PinnedExpert> general, StrategyParameters parameters) {
        for (PinnedExpert expert : experts) {
            if (contains(general, expert)) {
                throw refused(expert.adapter() + " is in the library and general as well", GENERAL);
            }
        }
        GeneralKnowledge form = parameters.generalKnowledge();
        return general.isEmpty()
                ? Optional.empty()
                : Optional.of(new Subtraction(form == null ? GeneralKnowledge.FACTORS : form, general));
    }

    private static boolean contains(List<PinnedExpert> experts, PinnedExpert expert) {
        return experts.stream().anyMatch(other -> other.digest().equals(expert.digest()));
    }

    private static RoutingWish everythingUnlessSaid(RoutingWish wish) {
        return wish.selection() != null ? wish : wish.with(new Selection.All());
    }

    private List<PinnedExpert> experts(CatalogueSnapshot catalogue, BaseModel base, @Nullable Selection selection) {
        if (selection == null) {
            return List.of();
        }
        if (selection instanceof Selection.All) {
            return distinct(catalogue.select(base.ref(), labels -> true));
        }
        if (selection instanceof Selection.Labelled labelled) {
            return distinct(catalogue.select(base.ref(), labelled.selector()::matches));
        }
        if (selection instanceof Selection.Named named) {
            return distinct(named.references().stream()
                    .map(reference -> onBase(find(catalogue, reference, EXPERTS), base, reference, EXPERTS))
                    .toList());
        }
        throw new IllegalStateException("unknown selection " + selection);
    }

    private static PinnedExpert onBase(PinnedExpert expert, BaseModel base, String reference, String param) {
        if (!expert.base().equals(base.ref())) {
            throw new RequestRefusedException(
                    RefusalCode.BASE_MISMATCH,
                    "expert " + reference + " belongs to base model "
                            + expert.base().name() + ", not to " + base.name(),
                    param);
        }
        return expert;
    }

    /** Each content once, where it comes first. */
    private static List<PinnedExpert> distinct(List<PinnedExpert> experts) {
        Map<Digest, PinnedExpert> byDigest = new LinkedHashMap<>();
        experts.forEach(expert -> byDigest.putIfAbsent(expert.digest(), expert));
        return List.copyOf(byDigest.values());
    }

    private static BaseModel onlyBase(CatalogueSnapshot catalogue) {
        if (catalogue.bases().size() != 1) {
            throw notFound(
                    "model quiver means all experts of the only base model, but there are "
                            + catalogue.bases().size() + " base models: name one of them",
                    MODEL);
        }
        return catalogue.bases().iterator().next();
    }

    private static PinnedExpert find(CatalogueSnapshot catalogue, String text, String param) {
        Reference reference;
        try {
            reference = Reference.parse(text);
        } catch (IllegalArgumentException e) {
            throw notFound("no model '" + text + "': " + e.getMessage() + bases(catalogue), param);
        }
        return catalogue
                .find(reference)
                .orElseThrow(() -> notFound("no expert " + text + " is ready" + bases(catalogue), param));
    }

    private static String bases(CatalogueSnapshot catalogue) {
        return "; base models: "
                + catalogue.bases().stream()
                        .limit(SUGGESTIONS_MAX)
                        .map(BaseModel::name)
                        .toList();
    }

    private static RequestRefusedException notFound(String message, String param) {
        return new RequestRefusedException(RefusalCode.MODEL_NOT_FOUND, message, param);
    }

    private static RequestRefusedException refused(String message, String param) {
        return new RequestRefusedException(RefusalCode.INVALID_REQUEST, message, param);
    }
}
