package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Expert;
import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.merge.IncompatibleAdaptersException;
import io.quiver.lora.merge.MergeAdapters;
import io.quiver.lora.merge.SubtractGeneralKnowledge;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraUpdates;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes an expert resident, computing it first if it is not stored. Thread-safe; slow, so never for the decode thread. */
final class LoadExpert {
    private final Decoder decoder;
    private final ExpertFiles.Source source;

    LoadExpert(Decoder decoder, ExpertFiles.Source source) {
        this.decoder = decoder;
        this.source = source;
    }

    /**
     * Loads.
     *
     * @throws RequestRefusedException if the adapters cannot be computed with together
     * @throws IOException if a file cannot be read
     */
    Expert load(ExpertContent content) throws IOException {
        String digest = content.digest().toString();
        if (content instanceof PinnedExpert stored) {
            try (ExpertFiles files = source.bring(stored)) {
                return decoder.load(digest, files.folder(), files.prototypes());
            }
        }
        List<ExpertFiles> files = new ArrayList<>();
        List<LoraAdapter> adapters = new ArrayList<>();
        try {
            for (PinnedExpert adapter : content.adapters()) {
                files.add(source.bring(adapter));
                adapters.add(LoraAdapter.open(files.get(files.size() - 1).folder(), AdapterLimits.DEFAULT));
            }
            if (content instanceof ExpertContent.Merged merged) {
                // Constant coefficients need no prototypes.
                return decoder.load(digest, MergeAdapters.merge(adapters, merged.merge()), Map.of());
            }
            if (content instanceof ExpertContent.Reduced reduced) {
                LoraUpdates rest = SubtractGeneralKnowledge.from(
                        adapters.get(0),
                        adapters.subList(1, adapters.size()),
                        reduced.subtraction().form());
                return decoder.load(digest, rest, prototypes(rest));
            }
            throw new IllegalStateException("unknown content " + content);
        } catch (IncompatibleAdaptersException e) {
            throw incompatible(content, e);
        } catch (IllegalArgumentException e) {
            // Each adapter fits the model, so that it is what was made of them, such as a rank above the limit.
            throw incompatible(content, e);
        } finally {
            for (LoraAdapter adapter : adapters) {
                adapter.close();
            }
            files.forEach(ExpertFiles::close);
        }
    }

    private static RequestRefusedException incompatible(ExpertContent content, RuntimeException cause) {
        String param = content instanceof ExpertContent.Merged ? "routing.strategy" : "routing.general_knowledge";
        return new RequestRefusedException(
                RefusalCode.EXPERTS_INCOMPATIBLE,
                content.label() + " do not go together: " + cause.getMessage(),
                param,
                cause);
    }

    private static Map<String, ModulePrototype> prototypes(LoraUpdates updates) throws IOException {
        Map<String, ModulePrototype> prototypes = new HashMap<>();
        for (PrototypeResult result : new ComputePrototypes().compute(updates)) {
            if (result instanceof PrototypeResult.Computed computed) {
                prototypes.put(computed.module(), computed.prototype());
            }
        }
        return prototypes;
    }
}
