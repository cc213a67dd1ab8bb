package io.quiver.registry;

import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.ValidateAdapter;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreSettings;
import io.quiver.objectstore.minio.MinioObjectStore;
import io.quiver.registry.jdbc.FollowOutbox;
import io.quiver.registry.jdbc.JdbcAdapters;
import io.quiver.registry.jdbc.JdbcAliases;
import io.quiver.registry.jdbc.JdbcBaseModels;
import io.quiver.registry.jdbc.JdbcFileReferences;
import io.quiver.registry.jdbc.JdbcOutbox;
import io.quiver.registry.jdbc.JdbcVersionEvidence;
import io.quiver.registry.kafka.DeadLetters;
import io.quiver.registry.kafka.OutboxRelay;
import io.quiver.registry.kafka.PrototypesListener;
import io.quiver.registry.kafka.RegistryTopics;
import io.quiver.registry.web.AdapterController;
import io.quiver.registry.web.AliasController;
import io.quiver.registry.web.BaseModelController;
import io.quiver.registry.web.CalibrationController;
import io.quiver.registry.web.EventController;
import io.quiver.registry.web.EventFeed;
import io.quiver.registry.web.ProblemAdvice;
import io.quiver.registry.web.ProblemErrorController;
import io.quiver.registry.web.ProblemServer;
import io.quiver.registry.web.UploadController;
import io.quiver.schemas.kafka.CloudEventCodec;
import java.net.URI;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.UUID;
import javax.sql.DataSource;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.kafka.core.KafkaAdmin;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.CommonErrorHandler;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.SchedulingConfigurer;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionOperations;
import org.springframework.transaction.support.TransactionTemplate;

/** The registry, whole: every part of the service stands here. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableScheduling
@EnableConfigurationProperties(RegistrySettings.class)
@Import({
    UploadController.class,
    AdapterController.class,
    AliasController.class,
    BaseModelController.class,
    CalibrationController.class,
    EventController.class,
    ProblemAdvice.class,
    ProblemErrorController.class,
    ProblemServer.class,
    PrototypesListener.class
})
public class RegistryApplication {
    /** The registry as it runs alone or beside others in one program; reads {@code registry.yml}. */
    public static SpringApplicationBuilder builder() {
        return new SpringApplicationBuilder(RegistryApplication.class).properties("spring.config.name=registry");
    }

    public static void main(String[] args) {
        builder().run(args);
    }

    @Bean
    Clock clock() {
        // The database keeps microseconds: what is told and what is kept are the same instant.
        return Clock.tickMillis(ZoneOffset.UTC);
    }

    @Bean
    ObjectStore objectStore(Environment environment) {
        ObjectStoreSettings settings = Binder.get(environment)
                .bind("quiver.object-store", ObjectStoreSettings.class)
                .get();
        ObjectStore store = new MinioObjectStore(settings);
        store.ensureBucket();
        return store;
    }

    @Bean
    TransactionOperations transactions(PlatformTransactionManager manager) {
        return new TransactionTemplate(manager);
    }

    @Bean
    Adapters adapters(JdbcClient jdbc) {
        return new JdbcAdapters(jdbc);
    }

    @Bean
    Aliases aliases(JdbcClient jdbc) {
        return new JdbcAliases(jdbc);
    }

    @Bean
    BaseModels baseModels(JdbcClient jdbc) {
        return new JdbcBaseModels(jdbc);
    }

    @Bean
    VersionEvidence versionEvidence(JdbcClient jdbc) {
        return new JdbcVersionEvidence(jdbc);
    }

    @Bean
    Outbox outbox(JdbcClient jdbc, DataSource dataSource, Clock clock) {
        return new JdbcOutbox(jdbc, dataSource, clock);
    }

    @Bean
    UploadStaging uploadStaging(ObjectStore store, RegistrySettings settings) {
        return new UploadStaging(store, settings.uploads().limits(), UUID::randomUUID);
    }

    @Bean
    RegisterBaseModel registerBaseModel(
            UploadStaging staging, BaseModels models, Outbox outbox, TransactionOperations transactions, Clock clock) {
        return new RegisterBaseModel(staging, models, outbox, transactions, clock);
    }

    @Bean
    RegisterAdapter registerAdapter(
            UploadStaging staging,
            BaseModels models,
            Adapters adapters,
            VersionEvidence evidence,
            RequestEvidence requestEvidence,
            Outbox outbox,
            TransactionOperations transactions,
            Clock clock) {
        CheckAdapter check = new CheckAdapter(models, new ValidateAdapter(AdapterLimits.DEFAULT));
        AddVersion add = new AddVersion(adapters, evidence, outbox, clock);
        return new RegisterAdapter(staging, check, add, requestEvidence, transactions);
    }

    @Bean
    RequestCalibration requestCalibration(
            BaseModels models, Outbox outbox, TransactionOperations transactions, Clock clock) {
        return new RequestCalibration(models, outbox, transactions, clock);
    }

    /** At every start: whatever the version of this program that registered a base model, it is calibrated. */
    @Bean
    ApplicationRunner firstCalibrations(RequestCalibration requestCalibration) {
        return arguments -> requestCalibration.requestFirst();
    }

    @Bean
    RequestEvidence requestEvidence(
            VersionEvidence evidence, Outbox outbox, TransactionOperations transactions, Clock clock) {
        return new RequestEvidence(evidence, outbox, transactions, clock);
    }

    @Bean
    RecordCalibration recordCalibration(
            BaseModels models,
            VersionEvidence evidence,
            ObjectStore store,
            RequestEvidence requestEvidence,
            Outbox outbox,
            TransactionOperations transactions,
            RegistrySettings settings,
            Clock clock) {
        VerifyCalibration verify =
                new VerifyCalibration(store, settings.uploads().calibration().toBytes());
        return new RecordCalibration(models, evidence, verify, requestEvidence, outbox, transactions, clock);
    }

    @Bean
    MoveAlias moveAlias(
            Adapters adapters, Aliases aliases, Outbox outbox, TransactionOperations transactions, Clock clock) {
        return new MoveAlias(adapters, aliases, outbox, transactions, clock);
    }

    @Bean
    RecomputePrototypes recomputePrototypes(
            Adapters adapters,
            BaseModels models,
            VersionEvidence evidence,
            RequestEvidence requestEvidence,
            Outbox outbox,
            TransactionOperations transactions,
            Clock clock) {
        return new RecomputePrototypes(adapters, models, evidence, requestEvidence, outbox, transactions, clock);
    }

    @Bean
    RecordOutcome recordOutcome(
            Adapters adapters,
            BaseModels models,
            VersionEvidence evidence,
            RequestEvidence requestEvidence,
            ObjectStore store,
            Outbox outbox,
            TransactionOperations transactions,
            RegistrySettings settings,
            Clock clock) {
        ReadPrototypes read =
                new ReadPrototypes(store, settings.uploads().prototypes().toBytes());
        return new RecordOutcome(adapters, models, read, evidence, requestEvidence, outbox, transactions, clock);
    }

    @Bean
    SchedulingConfigurer evidenceSweep(RequestEvidence requestEvidence, RegistrySettings settings) {
        return tasks -> tasks.addFixedDelayTask(requestEvidence::request, settings.evidenceSweepEvery());
    }

    @Bean
    SchedulingConfigurer sweep(ObjectStore store, Clock clock, RegistrySettings settings) {
        SweepUploads sweep = new SweepUploads(store, clock, settings.uploads().abandonedAfter());
        return tasks -> tasks.addFixedDelayTask(sweep::sweep, settings.uploads().sweepEvery());
    }

    @Bean
    FileReferences fileReferences(JdbcClient jdbc) {
        return new JdbcFileReferences(jdbc);
    }

    @Bean
    SchedulingConfigurer measuredFilesSweep(
            ObjectStore store,
            FileReferences references,
            Outbox outbox,
            TransactionOperations transactions,
            Clock clock,
            RegistrySettings settings) {
        RegistrySettings.MeasuredFiles files = settings.measuredFiles();
        SweepMeasuredFiles sweep =
                new SweepMeasuredFiles(store, references, outbox, transactions, clock, files.keptFor());
        return tasks -> tasks.addFixedDelayTask(sweep::sweep, files.sweepEvery());
    }

    @Bean
    KafkaAdmin.NewTopics topics(RegistrySettings settings) {
        RegistrySettings.KafkaTopics topics = settings.topics();
        return RegistryTopics.all(topics.partitions(), topics.catalogPartitions(), topics.replicas());
    }

    @Bean
    CommonErrorHandler deadLetters(KafkaTemplate<String, byte[]> kafka, RegistrySettings settings) {
        return DeadLetters.handler(kafka, settings.retryFor());
    }

    @Bean
    FollowOutbox relay(Outbox outbox, KafkaTemplate<String, byte[]> kafka, KafkaAdmin admin) {
        CloudEventCodec codec = new CloudEventCodec(URI.create("/quiver/registry"));
        return new FollowOutbox("outbox-relay", outbox, new OutboxRelay(outbox, kafka, admin, codec));
    }

    @Bean
    EventFeed eventFeed(Outbox outbox, RegistrySettings settings) {
        return new EventFeed(
                outbox, settings.events().heartbeat(), settings.events().subscribersMax());
    }

    @Bean
    FollowOutbox eventNews(Outbox outbox, EventFeed feed) {
        return new FollowOutbox("event-news", outbox, feed);
    }
}
