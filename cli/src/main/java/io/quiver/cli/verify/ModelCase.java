package io.quiver.cli.verify;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Routing;
import io.quiver.decoder.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** A base model alone: logits, greedy continuations, and the text that its prompts and its chat come from. */
record ModelCase(ReferenceFolder folder, OpenModels models, String name) implements VerifyCase {
    @Override
    public Outcome run() throws IOException {
        JsonNode expected = folder.json(name + "/expected.json");
        List<ReferencePrompt> prompts = ReferencePrompt.of(expected);
        Path model = folder.resolve(name);
        Findings findings = new Findings();
        Decoder decoder = models.open(model);
        try (ReferenceTensors tensors = ReferenceTensors.open(model.resolve("expected.safetensors"))) {
            new RunPrompts(decoder, findings).compare(new Routing.Base(), prompts, tensors);
        }
        if (Files.exists(model.resolve("tokenizer.json"))) {
            compareText(model, expected, prompts, findings);
        }
        return findings.outcome();
    }

    private static void compareText(Path model, JsonNode expected, List<ReferencePrompt> prompts, Findings findings) {
        try (Tokenizer tokenizer = Tokenizer.open(model)) {
            for (ReferencePrompt prompt : prompts) {
                if (!prompt.text().isEmpty()) {
                    int[] ids = tokenizer.encode(prompt.text(), false);
                    findings.equal(
                            "texts",
                            Arrays.equals(ids, prompt.ids()),
                            1,
                            prompt.label() + " encodes to " + Arrays.toString(ids));
                }
            }
            if (expected.path("chat").isObject()) {
                TokenizerCase.compareChat(model, tokenizer, expected.path("chat"), findings);
            }
        }
    }
}
