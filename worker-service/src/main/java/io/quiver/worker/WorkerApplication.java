package io.quiver.worker;

import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreSettings;
import io.quiver.objectstore.minio.MinioObjectStore;
import io.quiver.schemas.kafka.CloudEventCodec;
import io.quiver.worker.kafka.AdapterUploadedListener;
import io.quiver.worker.kafka.ConsumerHealth;
import io.quiver.worker.kafka.GiveUp;
import io.quiver.worker.kafka.GroupMembership;
import io.quiver.worker.kafka.PublishOutcomes;
import io.quiver.worker.kafka.UploadsContainer;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Clock;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;
import org.springframework.kafka.core.ConsumerFactory;
import org.springframework.kafka.core.KafkaAdmin;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.ConcurrentMessageListenerContainer;

/** The whole worker: uploads come from Kafka, adapters from the object store, prototypes go back there, outcomes to Kafka. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
public class WorkerApplication {
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
    ComputeAdapterPrototypes computeAdapterPrototypes(ObjectStore store, WorkerSettings settings, Clock clock) {
        return new ComputeAdapterPrototypes(
                store, settings.tempDir(), settings.weightsSizeMax().toBytes(), clock);
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
        return UploadsContainer.of(
                consumers,
                new AdapterUploadedListener(computeAdapterPrototypes, publishOutcomes),
                new GiveUp(kafka, publishOutcomes),
                membership,
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
