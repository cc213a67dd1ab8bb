package io.quiver.worker;

import com.sun.management.OperatingSystemMXBean;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.evidence.CalibrateBase;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreSettings;
import io.quiver.objectstore.minio.MinioObjectStore;
import io.quiver.schemas.kafka.CloudEventCodec;
import io.quiver.worker.kafka.AdapterWorkListener;
import io.quiver.worker.kafka.CalibrationListener;
import io.quiver.worker.kafka.ConsumerHealth;
import io.quiver.worker.kafka.GiveUp;
import io.quiver.worker.kafka.GroupMembership;
import io.quiver.worker.kafka.PublishOutcomes;
import io.quiver.worker.kafka.WorkContainer;
import io.quiver.worker.torch.OpenTorchDecoder;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Duration;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.core.env.Environment;
import org.springframework.kafka.core.ConsumerFactory;
import org.springframework.kafka.core.KafkaAdmin;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.ConcurrentMessageListenerContainer;

/**
 * The whole worker: requests come from Kafka, adapters and base models from the object store, prototypes and calibrations go back
 * there, outcomes to Kafka.
 */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
public class WorkerApplication {
    private static final Duration TELL_EVERY = Duration.ofSeconds(2);

    public static void main(String[] args) {
        System.setProperty("spring.config.name", "worker");
        SpringApplication.run(WorkerApplication.class, args);
    }

    @Bean
    WorkerSettings workerSettings(Environment environment) {
        return Binder.get(environment)
                .bind("quiver.worker", WorkerSettings.class)
                .get();
    }

    @Bean
    ObjectStore objectStore(Environment environment) {
        var settings = Binder.get(environment)
                .bind("quiver.object-store", ObjectStoreSettings.class)
                .get();
        MinioObjectStore store = new MinioObjectStore(settings);
        store.ensureBucket();
        return store;
    }

    @Bean
    Clock clock() {
        return Clock.systemUTC();
    }

    @Bean
    HeldBase heldBase(ObjectStore store, WorkerSettings settings) {
        WorkerSettings.Base base = settings.base();
        OperatingSystemMXBean machine = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        long besideHeapBytes =
                machine.getTotalMemorySize() - Runtime.getRuntime().maxMemory();
        FetchBase fetch = new FetchBase(store, settings.tempDir(), base.weightsBytesMax(besideHeapBytes));
        DecoderSettings decoder = DecoderSettings.cpu(base.precision(), base.threads());
        return new HeldBase(fetch, new OpenTorchDecoder(decoder), base.idle());
    }

    /** Heard before the containers stop, so that they need not wait for a calibration. */
    @Bean
    ApplicationListener<ContextClosedEvent> stopBase(HeldBase heldBase) {
        return event -> heldBase.stop();
    }

    @Bean
    HeldCalibration heldCalibration(ObjectStore store, WorkerSettings settings) {
        return new HeldCalibration(
                store, settings.tempDir(), settings.base().calibrationSizeMax().toBytes());
    }

    @Bean
    ComputeAdapterPrototypes computeAdapterPrototypes(
            ObjectStore store,
            HeldCalibration heldCalibration,
            HeldBase heldBase,
            WorkerSettings settings,
            Clock clock) {
        return new ComputeAdapterPrototypes(
                store,
                settings.tempDir(),
                settings.weightsSizeMax().toBytes(),
                new MeasureEvidence(store, settings.tempDir(), heldCalibration, heldBase, clock),
                clock);
    }

    @Bean
    CalibrateBaseModel calibrateBaseModel(ObjectStore store, HeldBase heldBase, WorkerSettings settings, Clock clock) {
        return new CalibrateBaseModel(store, settings.tempDir(), heldBase, CalibrateBase.Settings::seeded, clock);
    }

    @Bean
    PublishOutcomes publishOutcomes(KafkaTemplate<String, byte[]> kafka, Clock clock) throws UnknownHostException {
        String host = InetAddress.getLocalHost().getHostName();
        String worker = host + "-" + UUID.randomUUID().toString().substring(0, 8);
        return new PublishOutcomes(kafka, new CloudEventCodec(URI.create("/quiver/worker")), clock, worker);
    }

    @Bean
    GroupMembership groupMembership() {
        return new GroupMembership();
    }

    @Bean
    ConcurrentMessageListenerContainer<String, byte[]> uploads(
            ConsumerFactory<String, byte[]> consumers,
            KafkaTemplate<String, byte[]> kafka,
            ComputeAdapterPrototypes computeAdapterPrototypes,
            PublishOutcomes publishOutcomes,
            GroupMembership membership,
            WorkerSettings settings) {
        return WorkContainer.adapters(
                consumers,
                new AdapterWorkListener(computeAdapterPrototypes, publishOutcomes),
                new GiveUp(kafka, publishOutcomes),
                membership,
                settings);
    }

    @Bean
    ConcurrentMessageListenerContainer<String, byte[]> calibrations(
            ConsumerFactory<String, byte[]> consumers,
            KafkaTemplate<String, byte[]> kafka,
            CalibrateBaseModel calibrateBaseModel,
            PublishOutcomes publishOutcomes,
            WorkerSettings settings,
            Clock clock) {
        return WorkContainer.calibrations(
                consumers,
                new CalibrationListener(calibrateBaseModel, publishOutcomes, clock, TELL_EVERY),
                new GiveUp(kafka, publishOutcomes),
                settings);
    }

    @Bean
    Admin admin(KafkaAdmin kafkaAdmin) {
        return Admin.create(kafkaAdmin.getConfigurationProperties());
    }

    @Bean
    ConsumerHealth consumerHealthIndicator(
            ConcurrentMessageListenerContainer<String, byte[]> uploads, GroupMembership membership, Admin admin) {
        return new ConsumerHealth(uploads, membership, admin);
    }
}
