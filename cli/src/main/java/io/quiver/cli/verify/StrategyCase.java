package io.quiver.cli.verify;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Gate;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Scoring;
import io.quiver.decoder.Tracing;
import io.quiver.lora.gate.InputNorm;
import io.quiver.lora.merge.Merge;
import io.quiver.lora.merge.MergeMethod;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** A library behind a gate of any kind, with constant coefficients or merged: logits, greedy continuations, and a gate's trace. */
record StrategyCase(ReferenceFolder folder, OpenModels models, String name) implements VerifyCase {
    private static final Set<String> GATES = Set.of("arrow", "spectr", "lag", "phatgoose");
    private static final Set<String> CONSTANT = Set.of("weighted", "cat");

    @Override
    public Outcome run() throws IOException {
        JsonNode json = folder.json(name + "/case.json");
        String strategy = json.path("strategy").asString("");
        Optional<MergeMethod> merge = Arrays.stream(MergeMethod.values())
                .filter(method -> method.word().equals(strategy))
                .findFirst();
        if (merge.isEmpty() && !GATES.contains(strategy) && !CONSTANT.contains(strategy)) {
            return new Outcome.NotSupported("strategy '" + strategy + "'");
        }
        List<ReferencePrompt> prompts = ReferencePrompt.of(json);
        Decoder decoder = models.open(folder.resolve(json.path("model").asString("")));
        LoadLibrary library = new LoadLibrary(folder, models, decoder);
        List<Expert> experts = new ArrayList<>();
        Findings findings = new Findings();
        try (ReferenceTensors tensors = ReferenceTensors.open(folder.resolve(name + "/expected.safetensors"))) {
            RunPrompts run = new RunPrompts(decoder, findings);
            if (merge.isPresent()) {
                experts.add(models.loadMerged(decoder, library.paths(json.path("experts")), merge(merge.get(), json)));
                run.compare(new Routing.Fixed(experts, List.of(1.0)), prompts, tensors);
            } else {
                experts.addAll(library.of(json));
                if (GATES.contains(strategy)) {
                    run.compare(routing(json, strategy, experts, Tracing.NONE), prompts, tensors);
                    Routing traced = routing(json, strategy, experts, Tracing.MODULES);
                    CompareTrace.compare(run, traced, json, prompts, tensors, experts.size(), findings);
                } else {
                    run.compare(new Routing.Fixed(experts, weights(json)), prompts, tensors);
                }
            }
        } finally {
            experts.forEach(decoder::evict);
        }
        return findings.outcome();
    }

    private static Routing routing(JsonNode json, String strategy, List<Expert> experts, Tracing tracing) {
        Gate gate = switch (strategy) {
            case "spectr" -> new Gate.Spectr();
            case "lag" -> new Gate.Lag(json.path("candidates").asInt(experts.size()));
            case "phatgoose" -> new Gate.Phatgoose();
            default -> new Gate.Arrow();
        };
        InputNorm norm = gate instanceof Gate.Phatgoose
                ? InputNorm.LAYER_NORM
                : InputNorm.valueOf(json.path("input_norm").asString("id").toUpperCase(Locale.ROOT));
        OptionalDouble minScore = json.path("min_score").isNumber()
                ? OptionalDouble.of(json.path("min_score").doubleValue())
                : OptionalDouble.empty();
        return new Routing.Gated(
                experts,
                new Scoring(gate, norm, minScore),
                json.path("top_k").isNumber() ? json.path("top_k").intValue() : experts.size(),
                json.path("temperature").asDouble(1),
                Combine.OUTPUTS,
                tracing);
    }

    private static Merge merge(MergeMethod method, JsonNode json) {
        return new Merge(
                method,
                weights(json),
                json.path("density").asDouble(1),
                Merge.Election.valueOf(
                        json.path("majority_sign").asString("total").toUpperCase(Locale.ROOT)),
                json.path("seed").asLong(0));
    }

    private static List<Double> weights(JsonNode json) {
        List<Double> weights = new ArrayList<>();
        json.path("weights").forEach(weight -> weights.add(weight.asDouble()));
        return weights;
    }
}
