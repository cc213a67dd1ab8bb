package io.quiver.cli.verify;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Routing;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** One adapter alone on its base model: logits and greedy continuations. */
record AdapterCase(ReferenceFolder folder, OpenModels models, String name) implements VerifyCase {
    @Override
    public Outcome run() throws IOException {
        JsonNode expected = folder.json(name + "/expected.json");
        List<ReferencePrompt> prompts = ReferencePrompt.of(expected);
        Path adapter = folder.resolve(name);
        Path model = folder.resolve(AdapterBase.of(folder, name));
        Findings findings = new Findings();
        Decoder decoder = models.open(model);
        Expert expert = models.load(decoder, adapter);
        try (ReferenceTensors tensors = ReferenceTensors.open(adapter.resolve("expected.safetensors"))) {
            Routing alone = new Routing.Fixed(List.of(expert), List.of(1.0));
            new RunPrompts(decoder, findings).compare(alone, prompts, tensors);
        } finally {
            decoder.evict(expert);
        }
        return findings.outcome();
    }
}
