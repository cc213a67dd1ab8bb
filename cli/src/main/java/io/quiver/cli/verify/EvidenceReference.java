package io.quiver.cli.verify;

import io.quiver.lora.evidence.GenericRequests;
import io.quiver.lora.evidence.InputPlace;
import io.quiver.lora.evidence.ProbePoint;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/**
 * What the {@code case.json} of an evidence case says.
 *
 * @param linears modules that read each probed point
 * @param threshold of the library
 */
record EvidenceReference(
        SortedMap<ProbePoint, SortedSet<String>> linears,
        GenericRequests requests,
        double ridge,
        List<Double> gammas,
        double threshold,
        List<Prompt> prompts) {
    /**
     * A prompt and its decision.
     *
     * @param ids // (tokens)
     * @param turnStart the first token that brings evidence
     * @param best number of the expert with the highest score
     * @param routed whether it stands out
     */
    record Prompt(int[] ids, int turnStart, int best, boolean routed) {}

    /** @throws IllegalArgumentException if something is missing or cannot be */
    static EvidenceReference of(JsonNode json) {
        SortedMap<ProbePoint, SortedSet<String>> linears = new TreeMap<>();
        for (JsonNode probed : json.path("probed")) {
            String word = probed.path("point").asString("");
            InputPlace place = InputPlace.named(word)
                    .orElseThrow(() -> new IllegalArgumentException("there is no point '" + word + "'"));
            SortedSet<String> modules = new TreeSet<>();
            probed.path("linears").forEach(module -> modules.add(module.asString("")));
            linears.put(new ProbePoint(integer(probed, "layer"), place), modules);
        }
        JsonNode requests = json.path("requests");
        List<Prompt> prompts = new ArrayList<>();
        for (JsonNode prompt : json.path("prompts")) {
            int[] ids = ReferencePrompt.ints(prompt.path("ids"), "ids");
            int turnStart = integer(prompt, "turn_start");
            if (turnStart < 0
                    || turnStart >= ids.length
                    || !prompt.path("routed").isBoolean()) {
                throw new IllegalArgumentException("a prompt of " + ids.length + " tokens begins its turn at "
                        + turnStart + ", and 'routed' is " + prompt.path("routed"));
            }
            prompts.add(new Prompt(
                    ids,
                    turnStart,
                    integer(prompt, "best"),
                    prompt.path("routed").booleanValue()));
        }
        if (prompts.isEmpty() || linears.isEmpty() || !json.path("threshold").isNumber()) {
            throw new IllegalArgumentException("a case has probed points, prompts and a threshold");
        }
        List<Double> gammas = new ArrayList<>();
        for (double gamma : Numbers.vector(json.path("gammas"))) {
            gammas.add(gamma);
        }
        return new EvidenceReference(
                linears,
                new GenericRequests(
                        integer(json, "prefix"),
                        texts(requests.path("fit")),
                        texts(requests.path("statistics")),
                        texts(requests.path("threshold"))),
                json.path("ridge").asDouble(0),
                gammas,
                json.path("threshold").doubleValue(),
                prompts);
    }

    private static int integer(JsonNode json, String field) {
        if (!json.path(field).isIntegralNumber()) {
            throw new IllegalArgumentException("'" + field + "' must be an integer, but is " + json.path(field));
        }
        return json.path(field).intValue();
    }

    private static List<int[]> texts(JsonNode requests) { // (requests) of (tokens)
        List<int[]> texts = new ArrayList<>();
        requests.forEach(request -> texts.add(ReferencePrompt.ints(request, "requests")));
        return texts;
    }
}
