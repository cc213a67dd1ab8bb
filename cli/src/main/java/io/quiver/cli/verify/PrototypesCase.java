package io.quiver.cli.verify;

import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraModule;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/** The prototypes of one adapter: direction, singular values, rank, sizes and scaling of every module. */
record PrototypesCase(ReferenceFolder folder, String adapter) implements VerifyCase {
    @Override
    public String name() {
        return adapter + "/prototypes.json";
    }

    @Override
    public Outcome run() throws IOException {
        JsonNode expected = folder.json(name());
        Findings findings = new Findings();
        try (LoraAdapter opened = LoraAdapter.open(folder.resolve(adapter), AdapterLimits.DEFAULT)) {
            Map<String, LoraModule> modules = new HashMap<>();
            opened.modules().forEach(module -> modules.put(module.path(), module));
            Map<String, PrototypeResult> results = new HashMap<>();
            new ComputePrototypes().compute(opened).forEach(result -> results.put(result.module(), result));
            findings.equal(
                    "modules",
                    results.keySet().equals(new TreeSet<>(expected.propertyNames())),
                    results.size(),
                    "found " + new TreeSet<>(results.keySet()) + ", expected "
                            + new TreeSet<>(expected.propertyNames()));
            expected.properties().forEach(entry -> {
                LoraModule module = modules.get(entry.getKey());
                PrototypeResult result = results.get(entry.getKey());
                if (module != null && result != null) {
                    compare(module, result, entry.getValue(), findings);
                }
            });
        }
        return findings.outcome();
    }

    private static void compare(LoraModule module, PrototypeResult result, JsonNode expected, Findings findings) {
        String path = module.path();
        if (!(result instanceof PrototypeResult.Computed computed)) {
            findings.equal("prototypes", false, 0, path + " has none: its update is zero");
            return;
        }
        ModulePrototype prototype = computed.prototype();
        boolean sizesEqual = module.rank() == expected.path("r").asInt(module.rank())
                && module.in() == expected.path("in").asInt(module.in())
                && module.out() == expected.path("out").asInt(module.out());
        findings.equal(
                "sizes",
                sizesEqual,
                1,
                path + " has rank, in, out " + module.rank() + ", " + module.in() + ", " + module.out());
        findings.near(
                "1 - |cos|",
                1 - Math.abs(cosine(prototype.vector(), Numbers.vector(expected.path("prototype")))),
                Tolerance.PROTOTYPE,
                path);
        if (expected.has("sigma")) {
            double[] sigma = Numbers.vector(expected.path("sigma"));
            findings.near("sigma", sigmaError(prototype.sigma(), sigma, 1), Tolerance.SIGMA, path);
        }
        if (expected.has("sigma_scaled")) {
            double[] scaled = Numbers.vector(expected.path("sigma_scaled"));
            findings.near(
                    "scaled sigma", sigmaError(prototype.sigma(), scaled, prototype.scaling()), Tolerance.SIGMA, path);
        }
        if (expected.has("scaling")) {
            double scaling = expected.path("scaling").asDouble(0);
            findings.near("scaling", prototype.scaling() / scaling - 1, Tolerance.SCALING, path);
        }
    }

    /** The largest difference relative to the largest reference; values beyond the smaller number of them count as 0. */
    private static double sigmaError(double[] found, double[] expected, double factor) { // (n), (r)
        double largest = 0;
        for (int i = 0; i < Math.max(found.length, expected.length); i++) {
            double error =
                    Math.abs((i < found.length ? factor * found[i] : 0) - (i < expected.length ? expected[i] : 0));
            largest = Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(largest, error);
        }
        return expected.length == 0 ? Double.POSITIVE_INFINITY : largest / expected[0];
    }

    /** NaN if the lengths differ. */
    private static double cosine(float[] found, double[] expected) { // (in), (in)
        if (found.length != expected.length) {
            return Double.NaN;
        }
        double product = 0;
        double foundSquares = 0;
        double expectedSquares = 0;
        for (int i = 0; i < found.length; i++) {
            product += found[i] * expected[i];
            foundSquares += (double) found[i] * found[i];
            expectedSquares += expected[i] * expected[i];
        }
        return product / Math.sqrt(foundSquares * expectedSquares);
    }
}
