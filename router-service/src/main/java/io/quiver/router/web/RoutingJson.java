package io.quiver.router.web;

import io.quiver.decoder.Gate;
import io.quiver.decoder.Scoring;
import io.quiver.lora.gate.InputNorm;
import io.quiver.lora.merge.Merge;
import io.quiver.router.CompletionEvent.Decided;
import io.quiver.router.CompletionEvent.Finished;
import io.quiver.router.LeftOut;
import io.quiver.router.PinnedExpert;
import io.quiver.router.RoutingPlan;
import io.quiver.router.RunningCompletion;
import io.quiver.router.TokenTrace;
import io.quiver.router.TraceDetail;
import java.util.List;
import java.util.Locale;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes the {@code routing} object of an answer: what was used, by digest, and how its tokens were routed. */
final class RoutingJson {
    private final RoutingPlan plan;
    private final List<LeftOut> leftOut;
    private final List<Decided> decisions;
    /** Numbers in the plan of the experts that answer, best first where evidence chose them. */
    private final List<Integer> answering;

    RoutingJson(RunningCompletion running) {
        this(running.plan(), running.leftOut(), List.of());
    }

    /**
     * @param leftOut experts that were selected but could not be loaded
     * @param decisions of choices, where evidence decides; without any the whole library stands for whoever answers
     */
    RoutingJson(RoutingPlan plan, List<LeftOut> leftOut, List<Decided> decisions) {
        this.plan = plan;
        this.leftOut = leftOut;
        this.decisions = decisions;
        this.answering = decisions.isEmpty()
                ? IntStream.range(0, plan.experts().size()).boxed().toList()
                : decisions.stream()
                        .flatMap(decided -> decided.evidence().chosen().stream())
                        .distinct()
                        .toList();
    }

    /** The same, with what evidence has decided since. */
    RoutingJson with(List<Decided> decided) {
        return new RoutingJson(plan, leftOut, decided);
    }

    /** What is known before the first token: everything but shares and trace. */
    ObjectNode head() {
        ObjectNode routing = Json.object();
        routing.put("strategy", plan.strategy().word());
        plan.because().ifPresent(because -> EvidenceJson.putDefault(routing, because));
        if (plan.strategy().isGate()) {
            addGate(routing);
        } else if (plan.evidence().isPresent()) {
            EvidenceJson.put(routing, plan, plan.evidence().get());
        } else if (plan.strategy().takesWeights()) {
            ArrayNode weights = routing.putArray("weights");
            plan.weights().forEach(weights::add);
        }
        plan.merge().ifPresent(merge -> addMerge(routing, merge));
        plan.subtraction().ifPresent(subtraction -> {
            ObjectNode general = routing.putObject("general_knowledge")
                    .put("form", subtraction.form().word());
            addExperts(general.putArray("experts"), subtraction.general());
        });
        routing.put("library_digest", plan.libraryDigest().toString());
        addExperts(
                routing.putArray("experts"),
                answering.stream().map(plan.experts()::get).toList());
        if (!decisions.isEmpty()) {
            ArrayNode array = routing.putArray("decisions");
            decisions.forEach(decided -> array.add(EvidenceJson.decision(plan, decided)));
        }
        if (!leftOut.isEmpty()) {
            ArrayNode without = routing.putArray("left_out");
            addExperts(without, leftOut.stream().map(LeftOut::expert).toList());
            for (int i = 0; i < leftOut.size(); i++) {
                ((ObjectNode) without.get(i)).put("reason", leftOut.get(i).reason());
            }
        }
        return routing;
    }

    private void addGate(ObjectNode routing) {
        routing.put("combine", plan.combine().name().toLowerCase(Locale.ROOT))
                .put("top_k", plan.topK())
                .put("temperature", plan.temperature());
        Scoring scoring = plan.scoring();
        if (scoring.gate() instanceof Gate.Lag lag) {
            routing.put("candidates", lag.candidates());
        }
        if (scoring.inputNorm() != InputNorm.ID) {
            routing.put("input_norm", scoring.inputNorm().word());
        }
        scoring.minScore().ifPresent(score -> routing.put("min_score", score));
    }

    private void addMerge(ObjectNode routing, Merge merge) {
        if (merge.method().prunes()) {
            routing.put("density", merge.density());
        }
        if (merge.method().elects()) {
            routing.put("majority_sign", merge.election().word());
        }
        if (merge.method().draws()) {
            routing.put("seed", merge.seed());
        }
        routing.put("merged_digest", plan.contents().get(0).digest().toString());
    }

    private static void addExperts(ArrayNode array, List<PinnedExpert> experts) {
        for (PinnedExpert expert : experts) {
            array.addObject()
                    .put("name", expert.adapter().toString())
                    .put("version", expert.version())
                    .put("digest", expert.digest().toString());
        }
    }

    /**
     * What was used, and how much of each expert.
     *
     * @param share of an expert by its place among those that answer; not asked for merges, in which nothing is decided: there it is the weight
     */
    ObjectNode withShares(IntToDoubleFunction share) {
        ObjectNode routing = head();
        for (int e = 0; e < answering.size(); e++) {
            double value = plan.merge().isPresent() ? plan.weights().get(e) : share.applyAsDouble(e);
            ((ObjectNode) routing.path("experts").path(e)).put("share", value);
        }
        return routing;
    }

    /**
     * Everything, once the answer is complete.
     *
     * @param choices the ends of all choices
     * @param tokens traces of the generated tokens, of an answer with one choice
     */
    ObjectNode whole(List<Finished> choices, List<TokenTrace> tokens) {
        ObjectNode routing = withShares(expert -> choices.stream()
                .mapToDouble(choice -> share(choice, expert))
                .average()
                .orElseThrow());
        if (plan.trace() != TraceDetail.NONE) {
            ObjectNode trace = routing.putObject("trace");
            addTokens(trace.putArray("tokens"), tokens);
            // A trace is of one text.
            decisions.forEach(decided -> trace.set("evidence", EvidenceJson.tokens(plan, decided)));
            if (plan.trace() == TraceDetail.MODULES) {
                List<TokenTrace> prompt = choices.get(0).prompt();
                addTokens(trace.putArray("prompt_tokens"), prompt);
                addModules(trace.putArray("modules"), tokens);
                addModules(trace.putArray("prompt_modules"), prompt);
            }
        }
        return routing;
    }

    /** How much of one answering expert one choice was made of. */
    private double share(Finished choice, int expert) {
        if (decisions.isEmpty()) {
            return choice.shares().get(expert);
        }
        List<Integer> chosen = decisions.get(choice.choice()).evidence().chosen();
        int place = chosen.indexOf(answering.get(expert));
        return place < 0 ? 0 : choice.shares().get(place);
    }

    /** The routing of a chunk in the middle of a stream. */
    ObjectNode of(TokenTrace token) {
        ObjectNode routing = Json.object();
        addTokens(routing.putObject("trace").putArray("tokens"), List.of(token));
        return routing;
    }

    private void addTokens(ArrayNode array, List<TokenTrace> tokens) {
        for (TokenTrace token : tokens) {
            putShares(array.addObject().put("token", token.token()).put("text", token.text()), token);
        }
    }

    /** Puts a token's expert and shares, if there are experts. */
    void putShares(ObjectNode node, TokenTrace token) {
        Integer expert = token.expert();
        // One expert that was merged from several is none of them.
        if (expert != null && plan.merge().isEmpty()) {
            node.put("expert", label(expert));
            ArrayNode shares = node.putArray("shares");
            token.shares().forEach(shares::add);
        }
    }

    private String label(int place) {
        return label(plan, answering.get(place));
    }

    /** The name of an expert by its number in the plan; with its version where two versions of one adapter are in the library. */
    static String label(RoutingPlan plan, int index) {
        PinnedExpert expert = plan.experts().get(index);
        long versions = plan.experts().stream()
                .filter(other -> other.adapter().equals(expert.adapter()))
                .count();
        return versions == 1 ? expert.adapter().toString() : expert.adapter() + ":" + expert.version();
    }

    /** Per module the rows of all tokens; every token has been through the same modules. */
    static void addModules(ArrayNode array, List<TokenTrace> tokens) {
        int modules = tokens.isEmpty() ? 0 : tokens.get(0).modules().size();
        for (int m = 0; m < modules; m++) {
            ObjectNode node = array.addObject()
                    .put("module", tokens.get(0).modules().get(m).module());
            ArrayNode scores = node.putArray("scores");
            ArrayNode coefficients = node.putArray("coefficients");
            for (TokenTrace token : tokens) {
                addRow(scores.addArray(), token.modules().get(m).scores());
                addRow(coefficients.addArray(), token.modules().get(m).coefficients());
            }
        }
    }

    private static void addRow(ArrayNode array, float[] row) {
        for (float value : row) {
            array.add(value);
        }
    }
}
