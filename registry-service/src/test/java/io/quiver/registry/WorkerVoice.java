package io.quiver.registry;

import io.quiver.embedded.EmbeddedStack;
import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeFile;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.peft.LoraModule;
import io.quiver.objectstore.ObjectKey;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event;
import io.quiver.schemas.Event.PrototypesComputed;
import io.quiver.schemas.Event.PrototypesFailed;
import io.quiver.schemas.Event.PrototypesStarted;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.kafka.CloudEventCodec;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

    /** Stores a file where the prototypes of an adapter lie. */
    static PrototypeFileRef store(Digest adapter, byte[] content) {
        ObjectKey key = ObjectKey.prototypes(adapter.hex(), ComputePrototypes.ALGORITHM);
        RunningRegistry.store().put(key, new ByteArrayInputStream(content), content.length);
        return new PrototypeFileRef(ComputePrototypes.ALGORITHM, key.value(), Digest.of(content), content.length);
    }

    private static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return doubles;
    }
}
