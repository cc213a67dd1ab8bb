package io.quiver.cli.verify;

import io.quiver.decoder.Decoder.ModuleTrace;
import io.quiver.decoder.Routing;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/** Compares what every module decided for one prompt of a case, if the case says. */
final class CompareTrace {
    private CompareTrace() {}

    /** @param experts of the library */
    static void compare(
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
