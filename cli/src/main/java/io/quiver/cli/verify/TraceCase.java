package io.quiver.cli.verify;

import io.quiver.lora.arrow.ArrowGate;
import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.MixExperts;
import io.quiver.lora.arrow.MixExperts.Update;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.peft.LoraModule;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** One linear layer worked by hand: prototypes, scores, coefficients and both ways of mixing. */
record TraceCase(ReferenceFolder folder, String name) implements VerifyCase {
    @Override
    public Outcome run() throws IOException {
        JsonNode json = folder.json(name);
        Findings findings = new Findings();
        double[][] w = Numbers.matrix(json.path("W")); // (out, in)
        double[][] x = Numbers.matrix(json.path("x")); // (tokens, in)
        List<Update> updates = new ArrayList<>();
        List<double[]> prototypes = new ArrayList<>(); // (experts) of (in)
        for (JsonNode expert : json.path("experts")) {
            Update update = update(expert);
            updates.add(update);
            prototypes.add(Numbers.vector(expert.path("prototype")));
            comparePrototype(update, expert, x, findings);
        }
        double[][] scores = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            scores[t] = ArrowGate.scores(x[t], List.copyOf(prototypes));
            double[] expected = Numbers.vector(json.path("scores").path(t));
            findings.near("scores", Numbers.distance(scores[t], expected), Tolerance.BY_HAND, "token " + t);
        }
        for (JsonNode run : json.path("runs")) {
            compareRun(run, w, x, scores, updates, findings);
        }
        return findings.outcome();
    }

    private static Update update(JsonNode expert) {
        return new Update(
                Numbers.matrix(expert.path("A")),
                Numbers.matrix(expert.path("B")),
                expert.path("alpha").asDouble() / expert.path("r").asDouble());
    }

    /** The prototype that Quiver computes, and the scores that it leads to after rounding to float32. */
    private static void comparePrototype(Update update, JsonNode expert, double[][] x, Findings findings) {
        double[][] a = update.a(); // (rank, in)
        double[][] b = update.b(); // (out, rank)
        LoraModule module = new LoraModule("layer", a[0].length, b.length, a.length, update.scaling(), "A", "B");
        PrototypeResult result = ComputePrototypes.compute(module, Numbers.flat(a), Numbers.flat(b));
        if (!(result instanceof PrototypeResult.Computed computed)) {
            findings.equal("prototypes", false, 0, "an update is zero");
            return;
        }
        double[] expected = Numbers.vector(expert.path("prototype"));
        float[] vector = computed.prototype().vector();
        double[] found = new double[vector.length];
        for (int i = 0; i < found.length; i++) {
            found[i] = vector[i];
        }
        for (double[] token : x) {
            double[] ours = ArrowGate.scores(token, List.of(found));
            double[] theirs = ArrowGate.scores(token, List.of(expected));
            findings.near("scores by own prototypes", ours[0] - theirs[0], Tolerance.BY_HAND_FLOAT, "a token's score");
        }
        if (expert.has("sigma")) {
            double[] sigma = Numbers.vector(expert.path("sigma"));
            findings.near(
                    "sigma",
                    Numbers.distance(computed.prototype().sigma(), sigma) / sigma[0],
                    Tolerance.SIGMA,
                    "an expert");
        }
    }

    private static void compareRun(
            JsonNode run, double[][] w, double[][] x, double[][] scores, List<Update> updates, Findings findings) {
        int topK = run.path("top_k").isNumber() ? run.path("top_k").intValue() : updates.size();
        ArrowGate gate = new ArrowGate(topK, run.path("temperature").asDouble(1));
        for (int t = 0; t < x.length; t++) {
            double[] coefficients = gate.coefficients(scores[t]);
            String where = "token " + t + ", top_k " + topK + ", temperature " + gate.temperature();
            compare("coefficients", coefficients, run.path("coefficients").path(t), where, findings);
            compare(
                    "outputs",
                    MixExperts.outputs(w, x[t], updates, coefficients),
                    run.path("y_outputs").path(t),
                    where,
                    findings);
            compare(
                    "factors",
                    MixExperts.factors(w, x[t], updates, coefficients),
                    run.path("y_factors").path(t),
                    where,
                    findings);
        }
    }

    private static void compare(String quantity, double[] found, JsonNode expected, String where, Findings findings) {
        if (!expected.isMissingNode()) {
            findings.near(quantity, Numbers.distance(found, Numbers.vector(expected)), Tolerance.BY_HAND, where);
        }
    }
}
