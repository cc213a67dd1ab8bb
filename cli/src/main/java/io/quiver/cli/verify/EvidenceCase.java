package io.quiver.cli.verify;

import io.quiver.lora.evidence.AdapterCalibration;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.BaseCalibration;
import io.quiver.lora.evidence.CalibrateAdapter;
import io.quiver.lora.evidence.FitCalibration;
import io.quiver.lora.evidence.GenericRequests;
import io.quiver.lora.evidence.ModuleUpdate;
import io.quiver.lora.evidence.PointCalibration;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.evidence.TokenInputs;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraModule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/**
 * The evidence gate from generic requests to decisions: in double precision, with every number on the way, and by the decoder in
 * single precision.
 */
record EvidenceCase(ReferenceFolder folder, OpenModels models, String name) implements VerifyCase {
    private static final String DIGEST = "sha256:" + "0".repeat(64);

    @Override
    public Outcome run() throws IOException {
        JsonNode json = folder.json(name + "/case.json");
        EvidenceReference reference = EvidenceReference.of(json);
        Path model = folder.resolve(json.path("model").asString(""));
        Set<ProbePoint> points = reference.linears().keySet();
        Findings findings = new Findings();
        try (ReferenceTensors tensors = ReferenceTensors.open(folder.resolve(name + "/expected.safetensors"))) {
            List<Map<ProbePoint, List<ModuleUpdate>>> experts = new ArrayList<>();
            for (JsonNode expert : json.path("experts")) {
                experts.add(updates(expert.asString(""), reference));
            }
            CompareEvidence compare = new CompareEvidence(reference, tensors, findings);
            BareBase exact = new ExactBase(new ExactForward(model), points);
            BaseCalibration calibration = calibrate(exact, reference, tensors);
            List<AdapterEvidence> measured = measure(calibration, experts, reference);
            compare.calibration(calibration);
            compare.adapters(calibration, measured);
            for (int i = 0; i < reference.prompts().size(); i++) {
                EvidenceReference.Prompt prompt = reference.prompts().get(i);
                compare.exact(i, exact.decide(prompt, calibration.baselines(), measured));
            }
            BareBase decoded = new DecodedBase(models.open(model), points);
            BaseCalibration single = calibrate(decoded, reference, tensors);
            List<AdapterEvidence> measuredSingle = measure(single, experts, reference);
            for (int i = 0; i < reference.prompts().size(); i++) {
                EvidenceReference.Prompt prompt = reference.prompts().get(i);
                compare.single(i, decoded.decide(prompt, single.baselines(), measuredSingle));
            }
        }
        return findings.outcome();
    }

    /** The updates of the modules that the case names, point by point. */
    private Map<ProbePoint, List<ModuleUpdate>> updates(String expert, EvidenceReference reference) throws IOException {
        Map<ProbePoint, List<ModuleUpdate>> updates = new TreeMap<>();
        try (LoraAdapter adapter = LoraAdapter.open(folder.resolve(expert), AdapterLimits.DEFAULT)) {
            for (Map.Entry<ProbePoint, SortedSet<String>> point :
                    reference.linears().entrySet()) {
                for (LoraModule module : adapter.modules()) {
                    if (point.getValue().contains(module.path())) {
                        updates.computeIfAbsent(point.getKey(), any -> new ArrayList<>())
                                .add(new ModuleUpdate(
                                        module.path(),
                                        module.rank(),
                                        module.scaling(),
                                        adapter.aExact(module),
                                        adapter.bExact(module)));
                    }
                }
            }
        }
        return updates;
    }

    /** With the case's own random directions. */
    private static BaseCalibration calibrate(BareBase base, EvidenceReference reference, ReferenceTensors tensors)
            throws IOException {
        GenericRequests requests = reference.requests();
        Map<ProbePoint, TokenInputs> fit = base.inputs(requests.fit(), requests.prefixTokens());
        Map<ProbePoint, TokenInputs> statistics = base.inputs(requests.statistics(), requests.prefixTokens());
        Map<ProbePoint, TokenInputs> threshold = base.inputs(requests.threshold(), requests.prefixTokens());
        FitCalibration fitting = new FitCalibration(reference.ridge(), 0);
        List<PointCalibration> points = new ArrayList<>();
        for (ProbePoint point : reference.linears().keySet()) {
            TokenInputs.Sets sets = new TokenInputs.Sets(at(fit, point), at(statistics, point), at(threshold, point));
            points.add(fitting.fit(point, sets, requests, tensors.values("directions." + point.name())));
        }
        return BaseCalibration.of(FitCalibration.ALGORITHM, DIGEST, requests, points);
    }

    private static List<AdapterEvidence> measure(
            BaseCalibration calibration,
            List<Map<ProbePoint, List<ModuleUpdate>>> experts,
            EvidenceReference reference) {
        CalibrateAdapter calibrate = new CalibrateAdapter(calibration, DIGEST, reference.gammas());
        List<AdapterEvidence> measured = new ArrayList<>();
        for (Map<ProbePoint, List<ModuleUpdate>> expert : experts) {
            AdapterCalibration found = calibrate.calibrate(expert);
            if (found instanceof AdapterCalibration.Calibrated calibrated) {
                measured.add(calibrated.evidence());
            } else {
                throw new IllegalArgumentException(
                        "expert " + measured.size() + ": " + ((AdapterCalibration.NotMeasurable) found).reason());
            }
        }
        return measured;
    }

    /** What there is for a point. */
    static <T> T at(Map<ProbePoint, T> byPoint, ProbePoint point) {
        T value = byPoint.get(point);
        if (value == null) {
            throw new IllegalArgumentException("there is nothing at " + point);
        }
        return value;
    }
}
