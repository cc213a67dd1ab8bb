package io.quiver.cli.verify;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Routing;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** A library routed by Arrow: logits, greedy continuations, and for one prompt the scores and coefficients of every module. */
record ArrowCase(ReferenceFolder folder, OpenModels models, String name) implements VerifyCase {
    @Override
    public Outcome run() throws IOException {
        JsonNode json = folder.json(name + "/case.json");
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
            experts.addAll(new LoadLibrary(folder, models, decoder).of(json));
            int topK = json.path("top_k").isNumber() ? json.path("top_k").intValue() : experts.size();
            double temperature = json.path("temperature").asDouble(1);
            RunPrompts run = new RunPrompts(decoder, findings);
            run.compare(new Routing.Arrow(experts, topK, temperature, combine, false), prompts, tensors);
            Routing traced = new Routing.Arrow(experts, topK, temperature, combine, true);
            CompareTrace.compare(run, traced, json, prompts, tensors, experts.size(), findings);
        } finally {
            experts.forEach(decoder::evict);
        }
        return findings.outcome();
    }
}
