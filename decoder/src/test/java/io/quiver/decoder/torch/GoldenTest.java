package io.quiver.decoder.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.quiver.decoder.Combine;
import io.quiver.decoder.Decoder.ModuleTrace;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.Expert;
import io.quiver.decoder.Precision;
import io.quiver.decoder.Routing;
import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.merge.GeneralKnowledge;
import io.quiver.lora.merge.SubtractGeneralKnowledge;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraUpdates;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Logits, greedy continuations and routing against transformers and PEFT, in float32. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GoldenTest {
    private static final double LOGITS = 1e-4;
    private static final double SCORES = 1e-4;
    private static final double COEFFICIENTS = 5e-5;

    private TorchDecoder llama;

    @BeforeAll
    void open() {
        llama = Fixtures.open("llama", Precision.FP32);
    }

    @AfterAll
    void close() {
        llama.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama",
                "llama-tied-sharded",
                "llama-rope-llama3",
                "llama-bf16",
                "mistral",
                "qwen2",
                "qwen3",
                "phi",
                "phi3",
                "phi3-partial",
                "gemma2",
                "gemma3"
            })
    void a_base_model_gives_the_logits_and_tokens_of_transformers(String model) {
        try (TorchDecoder decoder = Fixtures.open(model, Precision.FP32)) {
            check(decoder, new Routing.Base(), "models/" + model + "/expected");
        }
    }

    @ParameterizedTest
    @CsvSource({"mistral, mistral-r4", "qwen2, qwen2-r8-all-linear", "phi, phi-r4", "phi3, phi3-r4"})
    void an_adapter_of_another_family_gives_what_peft_gives(String model, String adapter) {
        try (TorchDecoder decoder = Fixtures.open(model, Precision.FP32)) {
            Expert expert = Fixtures.load(decoder, "adapters/" + adapter);
            check(decoder, new Routing.Fixed(List.of(expert), List.of(1.0)), "adapters/" + adapter + "/expected");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "r1-qv",
                "r4-attn",
                "r4-attn-degenerate",
                "r8-all-linear-rslora",
                "r4-mlp-regex",
                "patterns",
                "patterns-rslora",
                "layers-0-2",
                "r4-fp16",
                "r8-bf16"
            })
    void a_single_adapter_gives_what_peft_gives(String adapter) {
        Expert expert = Fixtures.load(llama, "adapters/" + adapter);
        check(llama, new Routing.Fixed(List.of(expert), List.of(1.0)), "adapters/" + adapter + "/expected");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "e3-top1",
                "e3-all",
                "e5-top2-cool",
                "e5-top3-warm",
                "e8-top2",
                "e8-top3-cool",
                "e8-all-warm",
                "factors-e3-all",
                "factors-e5-top2-cool",
                "mixed-top2",
                "mixed-top3-cool",
                "mixed-all-warm"
            })
    void arrow_routing_gives_what_the_reference_gives(String name) {
        checkArrow(llama, name);
    }

    @Test
    void arrow_without_general_knowledge_gives_what_peft_gives() throws IOException {
        String folder = "arrow/gks-e3-top2";
        JsonNode definition = Fixtures.json(folder + "/case.json");
        List<Expert> experts = new ArrayList<>();
        try (LoraAdapter one = adapter(definition.required("general_knowledge").get(0));
                LoraAdapter two =
                        adapter(definition.required("general_knowledge").get(1))) {
            for (JsonNode name : definition.required("experts")) {
                try (LoraAdapter expert = adapter(name)) {
                    LoraUpdates rest =
                            SubtractGeneralKnowledge.from(expert, List.of(one, two), GeneralKnowledge.FACTORS);
                    experts.add(llama.load("rest of " + name.stringValue(), rest, prototypes(rest)));
                }
            }
        }
        Routing.Arrow routing = routing(definition, experts);
        check(llama, routing, folder + "/case.json", folder + "/expected.safetensors");
        checkTrace(llama, routing, folder, definition.required("traced_prompt").intValue());
    }

    private static LoraAdapter adapter(JsonNode name) throws IOException {
        return LoraAdapter.open(Fixtures.path(name.stringValue()), AdapterLimits.DEFAULT);
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

    @Test
    void fused_modules_are_routed_as_peft_routes_them() {
        try (TorchDecoder decoder = Fixtures.open("phi3-partial", Precision.FP32)) {
            checkArrow(decoder, "phi3-top2");
        }
    }

    private static void checkArrow(TorchDecoder decoder, String name) {
        JsonNode definition = Fixtures.json("arrow/" + name + "/case.json");
        Routing.Arrow routing = routing(decoder, definition);
        check(decoder, routing, "arrow/" + name + "/case.json", "arrow/" + name + "/expected.safetensors");
        checkTrace(
                decoder,
                routing,
                "arrow/" + name,
                definition.required("traced_prompt").intValue());
    }

    private static Routing.Arrow routing(TorchDecoder decoder, JsonNode definition) {
        List<String> names = new ArrayList<>();
        definition.required("experts").forEach(name -> names.add(name.stringValue()));
        return routing(definition, Fixtures.load(decoder, names));
    }

    private static Routing.Arrow routing(JsonNode definition, List<Expert> experts) {
        JsonNode topK = definition.required("top_k");
        return new Routing.Arrow(
                experts,
                topK.isNull() ? experts.size() : topK.intValue(),
                definition.required("temperature").doubleValue(),
                definition.required("combine").stringValue().equals("factors") ? Combine.FACTORS : Combine.OUTPUTS,
                true);
    }

    private static void check(TorchDecoder decoder, Routing routing, String expected) {
        check(decoder, routing, expected + ".json", expected + ".safetensors");
    }

    private static void check(TorchDecoder decoder, Routing routing, String promptsFile, String logitsFile) {
        for (Fixtures.Prompt prompt : Fixtures.prompts(promptsFile)) {
            float[][] logits = Fixtures.logits(decoder, routing, prompt.ids());
            float[][] exact = Fixtures.rows(logitsFile, "exact." + prompt.ids().length);
            assertThat(Fixtures.maxDifference(logits, exact))
                    .as("largest error of a logit, prompt of %d", prompt.ids().length)
                    .isLessThan(LOGITS);
            assertThat(Fixtures.greedy(decoder, routing, prompt.ids(), prompt.greedy().length))
                    .as("greedy continuation, prompt of %d", prompt.ids().length)
                    .isEqualTo(prompt.greedy());
        }
    }

    private static void checkTrace(TorchDecoder decoder, Routing.Arrow routing, String folder, int tracedTokens) {
        int[] ids = Fixtures.prompts(folder + "/case.json").stream()
                .map(Fixtures.Prompt::ids)
                .filter(prompt -> prompt.length == tracedTokens)
                .findFirst()
                .orElseThrow();
        String file = folder + "/expected.safetensors";
        StepOutput output = Fixtures.prefill(decoder, routing, ids);
        assertThat(output.trace()).isNotEmpty();
        for (ModuleTrace module : output.trace()) {
            float[][] scores = Fixtures.rows(file, "score." + module.module());
            float[][] coefficients = Fixtures.rows(file, "coeff." + module.module());
            assertThat(Fixtures.maxDifference(module.scores(), scores))
                    .as("scores of %s", module.module())
                    .isLessThan(SCORES);
            assertThat(Fixtures.maxDifference(module.coefficients(), coefficients))
                    .as("coefficients of %s", module.module())
                    .isLessThan(COEFFICIENTS);
            for (int token = 0; token < scores.length; token++) {
                assertThat(chosen(module.coefficients()[token]))
                        .as("experts chosen by %s for token %d", module.module(), token)
                        .isEqualTo(chosen(coefficients[token]));
            }
        }
        assertThat(output.trace().stream().map(m -> "score." + m.module()).toList())
                .as("modules with a trace")
                .containsExactlyInAnyOrderElementsOf(Fixtures.tensors(file, "score."));
    }

    private static List<Integer> chosen(float[] coefficients) {
        return Arrays.stream(indices(coefficients)).boxed().toList();
    }

    private static int[] indices(float[] coefficients) {
        return java.util.stream.IntStream.range(0, coefficients.length)
                .filter(e -> coefficients[e] > 0)
                .toArray();
    }
}
