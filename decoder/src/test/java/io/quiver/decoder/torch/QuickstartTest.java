package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The bundled model and its experts, held to the token ids that its Python reference wrote: the base, one expert, Arrow over all. */
class QuickstartTest {
    private static final Path QUICKSTART = Path.of("..", "quickstart");

    @Test
    void the_bundled_model_answers_token_for_token_as_its_reference() throws IOException {
        JsonNode golden = new JsonMapper().readTree(Files.readAllBytes(QUICKSTART.resolve("golden.json")));
        int tokensMax = golden.required("max_new_tokens").intValue();
        try (TorchDecoder decoder =
                TorchDecoder.open(QUICKSTART.resolve("base"), DecoderSettings.cpu(Precision.FP32, 2))) {
            Map<String, Expert> experts = new LinkedHashMap<>();
            for (JsonNode name : golden.required("experts")) {
                experts.put(name.stringValue(), load(decoder, name.stringValue(), experts.size()));
            }
            Routing arrow = new Routing.Arrow(List.copyOf(experts.values()), 3, 0.5, Combine.OUTPUTS, false);
            assertThat(golden.required("cases")).isNotEmpty();
            for (JsonNode asked : golden.required("cases")) {
                List<Integer> prompt = ids(asked.required("prompt_ids"));
                Expert forced = experts.get(asked.at("/forced/expert").stringValue());
                Map<String, Routing> ways = Map.of(
                        "base", new Routing.Base(),
                        "forced", new Routing.Fixed(List.of(forced), List.of(1.0)),
                        "arrow", arrow);
                for (Map.Entry<String, Routing> way : ways.entrySet()) {
                    assertThat(greedy(decoder, way.getValue(), prompt, tokensMax))
                            .as(way.getKey() + " on " + asked.at("/messages/0/content"))
                            .isEqualTo(ids(asked.at("/" + way.getKey() + "/ids")));
                }
            }
        }
    }

    private static Expert load(TorchDecoder decoder, String name, int number) throws IOException {
        Path folder = QUICKSTART.resolve("experts").resolve(name);
        Map<String, ModulePrototype> prototypes = new HashMap<>();
        try (LoraAdapter adapter = LoraAdapter.open(folder, AdapterLimits.DEFAULT)) {
            for (PrototypeResult result : new ComputePrototypes().compute(adapter)) {
                assertThat(result).isInstanceOf(PrototypeResult.Computed.class);
                prototypes.put(result.module(), ((PrototypeResult.Computed) result).prototype());
            }
        }
        return decoder.load("sha256:%064d".formatted(number), folder, prototypes);
    }

    private static List<Integer> greedy(TorchDecoder decoder, Routing routing, List<Integer> prompt, int tokensMax) {
        List<Integer> answer = new ArrayList<>();
        int[] next = prompt.stream().mapToInt(Integer::intValue).toArray();
        try (Sequence sequence = decoder.open(routing)) {
            while (answer.size() < tokensMax) {
                float[] logits =
                        decoder.step(List.of(new Feed(sequence, next))).get(0).logits();
                int best = 0;
                for (int i = 1; i < logits.length; i++) {
                    best = logits[i] > logits[best] ? i : best;
                }
                answer.add(best);
                next = new int[] {best};
                if (decoder.config().eosTokens().contains(best)) {
                    break;
                }
            }
        }
        return answer;
    }

    private static List<Integer> ids(JsonNode array) {
        List<Integer> ids = new ArrayList<>();
        array.forEach(id -> ids.add(id.intValue()));
        return ids;
    }
}
