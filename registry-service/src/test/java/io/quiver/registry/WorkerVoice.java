package io.quiver.registry;

import io.quiver.embedded.EmbeddedStack;
import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeFile;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.FitCalibration;
import io.quiver.lora.evidence.InputPlace;
import io.quiver.lora.evidence.MemoryConstants;
import io.quiver.lora.evidence.PointEvidence;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.peft.LoraModule;
import io.quiver.objectstore.ObjectKey;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.CalibrationEvent.CalibrationComputed;
import io.quiver.schemas.CalibrationEvent.CalibrationFailed;
import io.quiver.schemas.CalibrationEvent.CalibrationProgressed;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event;
import io.quiver.schemas.Event.PrototypesComputed;
import io.quiver.schemas.Event.PrototypesFailed;
import io.quiver.schemas.Event.PrototypesStarted;
import io.quiver.schemas.EvidenceReport;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.RoutingPart;
import io.quiver.schemas.kafka.CloudEventCodec;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Says what a worker says: real prototype files in the real store, real events on the real topic. */
final class WorkerVoice {
    private static final CloudEventCodec CODEC = new CloudEventCodec(URI.create("/quiver/worker"));
    static final String NAME = "test-worker";

    private WorkerVoice() {}

    private static final class Producer {
        static final KafkaProducer<String, byte[]> KAFKA = new KafkaProducer<>(
                Map.of("bootstrap.servers", EmbeddedStack.shared().kafka().bootstrapServers(), "acks", "all"),
                new StringSerializer(),
                new ByteArraySerializer());
    }

    static void say(Event event) throws Exception {
        send(CODEC.encode(UUID.randomUUID().toString(), Instant.EPOCH, event));
    }

    static void send(ProducerRecord<String, byte[]> record) throws Exception {
        Producer.KAFKA.send(record).get();
    }

    static ProducerRecord<String, byte[]> record(Event event) {
        return CODEC.encode(UUID.randomUUID().toString(), Instant.EPOCH, event);
    }

    static PrototypesStarted started(AdapterName adapter, int version, Digest digest) {
        return new PrototypesStarted(adapter, version, digest, ComputePrototypes.ALGORITHM, NAME);
    }

    static PrototypesFailed failed(AdapterName adapter, int version, Digest digest) {
        return new PrototypesFailed(
                adapter,
                version,
                digest,
                ComputePrototypes.ALGORITHM,
                "zero_update",
                "B is zero",
                TinyModels.path(0),
                NAME,
                null);
    }

    static PrototypesComputed computed(AdapterName adapter, int version, Digest digest, PrototypeFileRef file) {
        return new PrototypesComputed(adapter, version, digest, file, TinyModels.LAYERS, 12, NAME, null);
    }

    /** The prototype file of a made-up adapter. */
    static byte[] prototypes(TinyModels.Draft draft, Digest digest) {
        List<ModulePrototype> prototypes = new ArrayList<>();
        for (int layer = 0; layer < TinyModels.LAYERS; layer++) {
            LoraModule module = new LoraModule(
                    TinyModels.path(layer),
                    TinyModels.HIDDEN,
                    TinyModels.HIDDEN,
                    TinyModels.RANK,
                    2.0,
                    TinyModels.Draft.a(layer),
                    TinyModels.Draft.b(layer));
            PrototypeResult result = ComputePrototypes.compute(
                    module,
                    doubles(draft.values(TinyModels.Draft.a(layer))),
                    doubles(draft.values(TinyModels.Draft.b(layer))));
            prototypes.add(((PrototypeResult.Computed) result).prototype());
        }
        return new PrototypeFile(ComputePrototypes.ALGORITHM, digest.toString(), prototypes).toBytes();
    }

    /** Stores the prototype file of a version with evidence, as a worker would have measured it. */
    static PrototypeFileRef storeWithEvidence(CalibratedBase.Version version, CalibrationRef calibration) {
        PrototypeFile alone;
        try {
            Path copy = Files.createTempFile("prototypes", ".safetensors");
            try {
                Files.write(copy, prototypes(version.draft(), version.digest()));
                alone = PrototypeFile.read(copy);
            } finally {
                Files.delete(copy);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        double[] matrix = new double[TinyModels.RANK * TinyModels.HIDDEN];
        Arrays.fill(matrix, 0.5);
        AdapterEvidence evidence = new AdapterEvidence(
                calibration.digest().toString(),
                List.of(new PointEvidence(
                        new ProbePoint(1, InputPlace.ATTENTION_IN), TinyModels.RANK, matrix, 1.0, 0.5)),
                List.of(new MemoryConstants(0, 0, 1, 0, 0, 1), new MemoryConstants(1, 0, 1, 0, 0, 1)),
                new double[] {0.25, -0.5});
        byte[] content = new PrototypeFile(
                        alone.algorithm(),
                        alone.adapterDigest(),
                        alone.prototypes(),
                        Optional.of(evidence),
                        Optional.empty())
                .toBytes();
        ObjectKey key = ObjectKey.prototypesWithEvidence(
                version.digest().hex(),
                ComputePrototypes.ALGORITHM,
                calibration.digest().hex(),
                Optional.empty());
        RunningRegistry.store().put(key, new ByteArrayInputStream(content), content.length);
        return new PrototypeFileRef(ComputePrototypes.ALGORITHM, key.value(), Digest.of(content), content.length);
    }

    /** A worker has computed version 1, and what became of its evidence. */
    static PrototypesComputed measured(CalibratedBase.Version version, PrototypeFileRef file, EvidenceReport evidence) {
        return new PrototypesComputed(
                version.adapter(), 1, version.digest(), file, TinyModels.LAYERS, 12, NAME, evidence);
    }

    /** Stores a file where the prototypes of an adapter lie. */
    static PrototypeFileRef store(Digest adapter, byte[] content) {
        ObjectKey key = ObjectKey.prototypes(adapter.hex(), ComputePrototypes.ALGORITHM);
        RunningRegistry.store().put(key, new ByteArrayInputStream(content), content.length);
        return new PrototypeFileRef(ComputePrototypes.ALGORITHM, key.value(), Digest.of(content), content.length);
    }

    /** A worker gave up on the evidence of version 1 against a calibration. */
    static PrototypesFailed evidenceFailed(AdapterName adapter, Digest digest, CalibrationRef calibration) {
        return new PrototypesFailed(
                adapter,
                1,
                digest,
                ComputePrototypes.ALGORITHM,
                "worker_gave_up",
                "the disk is full",
                null,
                NAME,
                calibration.digest());
    }

    /** Stores something where a calibration lies: the registry knows it by its digest alone. */
    static CalibrationRef storeCalibration(BaseModelRef base, long seed) {
        byte[] content = ("calibration of " + base + " by " + seed).getBytes(StandardCharsets.UTF_8);
        Digest digest = Digest.of(content);
        ObjectKey key = ObjectKey.calibration(base.digest().hex(), FitCalibration.ALGORITHM, seed, digest.hex());
        RunningRegistry.store().put(key, new ByteArrayInputStream(content), content.length);
        RoutingPart part = new RoutingPart(12, Digest.of(Arrays.copyOf(content, 12)));
        return new CalibrationRef(FitCalibration.ALGORITHM, key.value(), digest, content.length, part);
    }

    static CalibrationProgressed progressed(BaseModelRef base, int attempt, int done) {
        return new CalibrationProgressed(base, attempt, "sampling", done, 320, NAME);
    }

    static CalibrationComputed calibrated(BaseModelRef base, int attempt, CalibrationRef file) {
        return new CalibrationComputed(base, attempt, file, 41, NAME);
    }

    static CalibrationFailed calibrationFailed(BaseModelRef base, int attempt) {
        return new CalibrationFailed(base, attempt, "worker_gave_up", "the disk is full", NAME);
    }

    private static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return doubles;
    }
}
