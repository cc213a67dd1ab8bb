package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.evidence.CalibrateBase;
import io.quiver.decoder.evidence.SampleGenericRequests;
import io.quiver.decoder.text.ChatTemplateFile;
import io.quiver.decoder.text.Tokenizer;
import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeFile;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.evidence.AdapterCalibration;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.BaseCalibration;
import io.quiver.lora.evidence.CalibrateAdapter;
import io.quiver.lora.evidence.CalibrationFile;
import io.quiver.lora.evidence.CompareExamples;
import io.quiver.lora.evidence.ExampleCentroids;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.evidence.ProbePoints;
import io.quiver.lora.evidence.RoutingTensors;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.safetensors.SafetensorsHeader;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.objectstore.ObjectKey;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.CataloguedVersion;
import io.quiver.schemas.EvidenceRef;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.RoutingPart;
import io.quiver.schemas.StoredFile;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A calibration of the fixture model, on few requests, and its experts measured against it: real files of both kinds. */
final class CalibratedFixture {
    private static final SampleGenericRequests.Settings FEW = new SampleGenericRequests.Settings(48, 24, 24, 16, 32);

    private final BaseCalibration calibration;
    private final byte[] bytes;
    private final CalibrationRef reference;
    private final List<CompareExamples.Frame> frames;

    /** @param baseDigest of the model as the catalogue has it */
    CalibratedFixture(Digest baseDigest, long seed) throws IOException {
        Path folder = RunningRouter.resource("models/llama");
        CalibrateBase.Settings settings = new CalibrateBase.Settings(seed, FEW);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Path work = Files.createTempDirectory("calibration");
        try (Decoder decoder = TinyModel.open();
                Tokenizer tokenizer = Tokenizer.open(folder)) {
            new CalibrateBase(decoder, tokenizer, ChatTemplateFile.read(folder), settings)
                    .calibrate(baseDigest.toString(), work, out, (phase, done, total) -> {});
        } finally {
            Files.delete(work);
        }
        bytes = out.toByteArray();
        Path file = Files.createTempFile("calibration", ".safetensors");
        try {
            Files.write(file, bytes);
            calibration = CalibrationFile.read(file, CalibrationFile.points(file));
            frames = CalibrationFile.readFrames(file);
        } finally {
            Files.delete(file);
        }
        Digest digest = Digest.of(bytes);
        ObjectKey key = ObjectKey.calibration(baseDigest.hex(), calibration.algorithm(), seed, digest.hex());
        long partBytes = RoutingTensors.endBytes(
                SafetensorsHeader.read(new ByteArrayInputStream(bytes), SafetensorsLimits.ADAPTER));
        RoutingPart part = new RoutingPart(partBytes, Digest.of(Arrays.copyOf(bytes, (int) partBytes)));
        reference = new CalibrationRef(calibration.algorithm(), key.value(), digest, bytes.length, part);
    }

    CalibrationRef store(RunningRouter router) throws IOException {
        router.store.put(new ObjectKey(reference.key()), new ByteArrayInputStream(bytes), bytes.length);
        return reference;
    }

    CalibrationRef reference() {
        return reference;
    }

    BaseCalibration calibration() {
        return calibration;
    }

    AdapterEvidence evidence(String expert) throws IOException {
        return evidence(RunningRouter.resource("experts/" + expert));
    }

    private AdapterEvidence evidence(Path folder) throws IOException {
        try (LoraAdapter adapter = LoraAdapter.open(folder, AdapterLimits.DEFAULT)) {
            AdapterCalibration measured =
                    new CalibrateAdapter(calibration, reference.digest().toString()).calibrate(adapter);
            return ((AdapterCalibration.Calibrated) measured).evidence();
        }
    }

    /** Centroids of made-up examples, the same for the same seed. */
    ExampleCentroids examples(long seed) {
        Random random = new Random(seed);
        CompareExamples compare = new CompareExamples(reference.digest().toString(), frames);
        List<SortedMap<ProbePoint, double[]>> examples = new ArrayList<>();
        for (int i = 0; i < ExampleCentroids.EXAMPLES_MIN; i++) {
            TreeMap<ProbePoint, double[]> last = new TreeMap<>();
            for (ProbePoint point : ProbePoints.forExamples(calibration.points().keySet())) {
                int in = calibration.baselines().get(0).in();
                last.put(point, random.doubles(in, -1, 1).toArray());
            }
            examples.add(compare.directions(last));
        }
        return compare.centroids(examples);
    }

    /** The version of an expert with its evidence, whose file is stored too. */
    CataloguedVersion measured(
            RunningRouter router, String expert, CataloguedVersion version, Optional<ExampleCentroids> examples)
            throws IOException {
        return measured(router, RunningRouter.resource("experts/" + expert), version, examples, null);
    }

    /** @param file the version's example prompts */
    CataloguedVersion measured(
            RunningRouter router,
            Path folder,
            CataloguedVersion version,
            Optional<ExampleCentroids> examples,
            @Nullable StoredFile file)
            throws IOException {
        List<ModulePrototype> prototypes = new ArrayList<>();
        try (LoraAdapter adapter = LoraAdapter.open(folder, AdapterLimits.DEFAULT)) {
            for (PrototypeResult result : new ComputePrototypes().compute(adapter)) {
                prototypes.add(((PrototypeResult.Computed) result).prototype());
            }
        }
        byte[] written = new PrototypeFile(
                        ComputePrototypes.ALGORITHM,
                        version.digest().toString(),
                        prototypes,
                        Optional.of(evidence(folder)),
                        examples)
                .toBytes();
        Digest digest = Digest.of(written);
        ObjectKey key = new ObjectKey("prototypes/" + version.digest().hex() + "/" + digest.hex() + ".safetensors");
        router.store.put(key, new ByteArrayInputStream(written), written.length);
        PrototypeFileRef stored =
                new PrototypeFileRef(ComputePrototypes.ALGORITHM, key.value(), digest, written.length);
        List<EvidenceRef> evidence = new ArrayList<>(version.evidence());
        evidence.add(
                0,
                new EvidenceRef(
                        reference,
                        stored,
                        examples.map(ExampleCentroids::examples).orElse(0)));
        return new CataloguedVersion(
                version.version(),
                version.digest(),
                version.state(),
                version.base(),
                version.files(),
                stored,
                version.readyAt(),
                evidence,
                file);
    }
}
