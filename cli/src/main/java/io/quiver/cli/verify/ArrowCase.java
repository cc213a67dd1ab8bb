package io.quiver.cli.verify;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.ModuleTrace;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Routing;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/** A library routed by Arrow: logits, greedy continuations, and for one prompt the scores and coefficients of every module. */
record ArrowCase(ReferenceFolder folder, OpenModels models, String name) implements VerifyCase {
    @Override
    public Outcome run() throws IOException {
        JsonNode json = folder.json(name + "/case.json");
        if (!json.path("general_knowledge").isEmpty()) {
            return new Outcome.NotSupported("general-knowledge subtraction");
        }
        String combineName = json.path("combine").asString("outputs");
        if (!combineName.equals("outputs") && !combineName.equals("factors")) {
            return new Outcome.NotSupported("combine '" + combineName + "'");
        }
        Combine combine = combineName.equals("outputs") ? Combine.OUTPUTS : Combine.FACTORS;
        List<ReferencePrompt> prompts = ReferencePrompt.of(json);
        Decoder decoder = models.open(folder.resolve(json.path("model").asString("")));
        List<Expert> experts = new ArrayList<>();
        Findings findings = new Findings();
        try (ReferenceTensors tensors = ReferenceTensors.open(folder.resolve(name + "/expected.safetensors"))) {
            for (JsonNode expert : json.path("experts")) {
                experts.add(models.load(decoder, folder.resolve(expert.asString(""))));
            }
            int topK = json.path("top_k").isNumber() ? json.path("top_k").intValue() : experts.size();
            double temperature = json.path("temperature").asDouble(1);
            RunPrompts run = new RunPrompts(decoder, findings);
            run.compare(new Routing.Arrow(experts, topK, temperature, combine, false), prompts, tensors);
            Routing traced = new Routing.Arrow(experts, topK, temperature, combine, true);
            compareTrace(run, traced, json, prompts, tensors, experts.size(), findings);
        } finally {
            experts.forEach(decoder::evict);
        }
        return findings.outcome();
    }

    private static void compareTrace(
            RunPrompts run,
            Routing traced,
            JsonNode json,
            List<ReferencePrompt> prompts,
            ReferenceTensors tensors,
            int experts,
            Findings findings)
            throws IOException {
        SortedMap<String, String> scores = tensors.modules("score.");
        SortedMap<String, String> coefficients = tensors.modules("coeff.");
        if (scores.isEmpty() && coefficients.isEmpty()) {
            return;
        }
        String first = scores.isEmpty()
                ? coefficients.values().iterator().next()
                : scores.values().iterator().next();
        int tokens = json.path("traced_prompt").asInt(tensors.firstSize(first));
        int[] ids = prompts.stream()
                .map(ReferencePrompt::ids)
                .filter(candidate -> candidate.length == tokens)
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("no prompt has the " + tokens + " tokens of the trace"));
        for (List<ModuleTrace> trace : run.traces(traced, ids)) {
            Map<String, ModuleTrace> found = new HashMap<>();
            trace.forEach(module -> found.put(module.module(), module));
            TreeSet<String> modules = new TreeSet<>(scores.keySet());
            modules.addAll(coefficients.keySet());
            findings.equal(
                    "traced modules",
                    found.keySet().equals(modules),
                    found.size(),
                    "found " + new TreeSet<>(found.keySet()) + ", expected " + modules);
            modules.retainAll(found.keySet());
            for (String module : modules) {
                ModuleTrace decided = found.get(module);
                if (decided != null && scores.containsKey(module)) {
                    compareScores(decided, tensors.rows("score." + module, tokens, experts), findings);
                }
                if (decided != null && coefficients.containsKey(module)) {
                    compareCoefficients(decided, tensors.rows("coeff." + module, tokens, experts), findings);
                }
            }
        }
    }

    private static void compareScores(ModuleTrace found, double[][] expected, Findings findings) { // (tokens, experts)
        for (int t = 0; t < expected.length; t++) {
            for (int e = 0; e < expected[t].length; e++) {
                findings.near("scores", found.scores()[t][e] - expected[t][e], Tolerance.SCORES, place(found, t, e));
            }
        }
    }

    private static void compareCoefficients(ModuleTrace found, double[][] expected, Findings findings) {
        for (int t = 0; t < expected.length; t++) { // (tokens, experts)
            boolean sameChosen = true;
            for (int e = 0; e < expected[t].length; e++) {
                float coefficient = found.coefficients()[t][e];
                findings.near("coefficients", coefficient - expected[t][e], Tolerance.COEFFICIENTS, place(found, t, e));
                sameChosen &= (coefficient > 0) == (expected[t][e] > 0)
                        || Math.max(coefficient, expected[t][e]) < Tolerance.VANISHING;
            }
            findings.equal("choices", sameChosen, 1, "token " + t + " chooses other experts in " + found.module());
        }
    }

    private static String place(ModuleTrace trace, int token, int expert) {
        return "token " + token + ", expert " + expert + ", " + trace.module();
    }
}
