package io.quiver.cli.verify;

import io.quiver.lora.arrow.MixExperts;
import io.quiver.lora.arrow.MixExperts.Update;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Small layers with given weights: mixing factors against mixing outputs. */
record FactorsCase(ReferenceFolder folder, String name) implements VerifyCase {
    @Override
    public Outcome run() throws IOException {
        Findings findings = new Findings();
        for (JsonNode json : folder.json(name)) {
            double[][] w = Numbers.matrix(json.path("W")); // (out, in)
            double[] x = Numbers.vector(json.path("x")); // (in)
            double[] weights = Numbers.vector(json.path("weights")); // (experts)
            List<Update> updates = new ArrayList<>();
            for (int e = 0; e < weights.length; e++) {
                double[][] a = Numbers.matrix(json.path("A").path(e)); // (rank, in)
                double[][] b = Numbers.matrix(json.path("B").path(e)); // (out, rank)
                updates.add(new Update(a, b, json.path("alpha").asDouble(1) / a.length));
            }
            String combine = json.path("combine").asString("");
            if (!combine.equals("outputs") && !combine.equals("factors")) {
                return new Outcome.NotSupported("combine '" + combine + "'");
            }
            double[] y = combine.equals("outputs")
                    ? MixExperts.outputs(w, x, updates, weights)
                    : MixExperts.factors(w, x, updates, weights);
            findings.near(
                    combine,
                    Numbers.distance(y, Numbers.vector(json.path("y"))),
                    Tolerance.BY_HAND,
                    json.path("what").asString("a layer"));
        }
        return findings.outcome();
    }
}
