package io.quiver.cli.verify;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Expert;
import io.quiver.lora.merge.GeneralKnowledge;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/** Makes the experts of a case resident, without general knowledge where the case wants that. */
record LoadLibrary(ReferenceFolder folder, OpenModels models, Decoder decoder) {
    /** The experts in the order of the case; the caller evicts them. */
    List<Expert> of(JsonNode json) throws IOException {
        List<Path> general = paths(json.path("general_knowledge"));
        // A case that does not say is of PEFT's form.
        GeneralKnowledge form = GeneralKnowledge.valueOf(
                json.path("general_knowledge_form").asString("factors").toUpperCase(Locale.ROOT));
        List<Expert> experts = new ArrayList<>();
        try {
            for (Path expert : paths(json.path("experts"))) {
                experts.add(
                        general.isEmpty()
                                ? models.load(decoder, expert)
                                : models.loadReduced(decoder, expert, general, form));
            }
            return experts;
        } catch (IOException | RuntimeException e) {
            experts.forEach(decoder::evict);
            throw e;
        }
    }

    /** Folders that a list in a case names. */
    List<Path> paths(JsonNode names) {
        List<Path> paths = new ArrayList<>();
        names.forEach(name -> paths.add(folder.resolve(name.asString(""))));
        return paths;
    }
}
