package io.quiver.router;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.WeightCache;
import io.quiver.decoder.torch.TorchDecoder;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreSettings;
import io.quiver.objectstore.minio.MinioObjectStore;
import io.quiver.router.kafka.CatalogueReader;
import io.quiver.router.kafka.UnreadableRecords;
import io.quiver.router.metrics.MeteredDecoding;
import io.quiver.router.tomcat.TomcatClients;
import io.quiver.router.web.CompletionRoutes;
import io.quiver.router.web.CompletionSettings;
import io.quiver.router.web.Errors;
import io.quiver.router.web.ExplainRoutes;
import io.quiver.router.web.MemoryRoutes;
import io.quiver.router.web.ModelRoutes;
import io.quiver.router.web.RoutabilityRoutes;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.apache.tomcat.util.buf.EncodedSolidusHandling;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.tomcat.TomcatConnectorCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;
import org.springframework.kafka.core.ConsumerFactory;
import org.springframework.kafka.core.ProducerFactory;

/** The router, whole: every part of the service stands here. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableConfigurationProperties(RouterSettings.class)
public class RouterApplication {
    /** Some 20 MB of JSON. */
    private static final long EXPLAINED_NUMBERS_MAX = 1_000_000;

    /** The router as it runs alone or beside others in one program; reads {@code router.yml}. */
    public static SpringApplicationBuilder builder() {
        return new SpringApplicationBuilder(RouterApplication.class).properties("spring.config.name=router");
    }

    public static void main(String[] args) {
        builder().run(args);
    }

    @Bean(destroyMethod = "close")
    ObjectStore objectStore(Environment environment) {
        return new MinioObjectStore(Binder.get(environment)
                .bind("quiver.object-store", ObjectStoreSettings.class)
                .get());
    }

    @Bean
    Catalogue catalogue() {
        return new Catalogue();
    }

    @Bean
    CatalogueReader catalogueReader(
            Catalogue catalogue, ConsumerFactory<String, byte[]> consumers, UnreadableRecords unreadable) {
        return new CatalogueReader(catalogue, () -> consumers.createConsumer(null, ""), unreadable);
    }

    @Bean
    UnreadableRecords unreadableRecords(ProducerFactory<String, byte[]> producers, MeterRegistry meters) {
        UnreadableRecords records = new UnreadableRecords(producers.createProducer());
        Gauge.builder("quiver.router.unreadable_records", records, UnreadableRecords::count)
                .register(meters);
        return records;
    }

    @Bean
    DecodeObserver decodeObserver(MeterRegistry meters) {
        return new MeteredDecoding(meters);
    }

    @Bean(destroyMethod = "close")
    ServedModels servedModels(
            RouterSettings settings, ObjectStore store, Catalogue catalogue, DecodeObserver observer) {
        RouterSettings.Decoding decoding = settings.decoder();
        DecoderSettings onCpu = DecoderSettings.cpu(decoding.precision(), decoding.threads());
        DecoderSettings decoder = new DecoderSettings(
                decoding.device(), onCpu.precision(), onCpu.threads(), onCpu.stepTokensMax(), onCpu.rankMax());
        ServedModels models = new ServedModels(
                new OpenStoredModel(
                        new ContentCache(
                                settings.cacheDir(),
                                store,
                                Clock.systemUTC(),
                                settings.cacheDirSize().toBytes()),
                        (folder, digest) -> decoding.keepWeights()
                                ? TorchDecoder.open(folder, decoder, new WeightCache(folder, digest.toString()))
                                : TorchDecoder.open(folder, decoder),
                        new OpenStoredModel.Limits(
                                new DecodeScheduler.Limits(
                                        settings.runningMax(),
                                        settings.waitingMax(),
                                        settings.promptTokensMax(),
                                        settings.cacheMemory().toBytes(),
                                        settings.prefixMemory().toBytes()),
                                settings.expertMemory().toBytes(),
                                settings.contextTokensMax()),
                        observer),
                settings.modelWait());
        catalogue.follow(models::follow);
        return models;
    }

    @Bean(destroyMethod = "close")
    PrefetchExperts prefetchExperts(Catalogue catalogue, ServedModels models, RouterSettings settings) {
        PrefetchExperts prefetch = new PrefetchExperts(models);
        if (settings.prefetch()) {
            catalogue.follow(prefetch::follow);
        }
        return prefetch;
    }

    @Bean
    ResolveRouting resolveRouting(RouterSettings settings) {
        return new ResolveRouting(
                new RoutingDefaults(settings.arrow().topK(), settings.arrow().temperature(), settings.expertsMax()));
    }

    @Bean
    Complete complete(
            Catalogue catalogue, ResolveRouting resolveRouting, ServedModels models, DecodeObserver observer) {
        SecureRandom random = new SecureRandom();
        LongSupplier seeds = random::nextLong;
        return new Complete(catalogue, resolveRouting, models, seeds, observer);
    }

    @Bean
    CompletionRoutes completionRoutes(Complete complete, TomcatClients clients, RouterSettings settings) {
        int bodyBytesMax = Math.toIntExact(settings.bodyMax().toBytes());
        return new CompletionRoutes(
                complete,
                clients,
                new CompletionSettings(bodyBytesMax, settings.answerWait()),
                Clock.systemUTC(),
                () -> UUID.randomUUID().toString().replace("-", ""));
    }

    /** Must be made before the web server, whose connections it looks at. */
    @Bean
    static TomcatClients tomcatClients() {
        return new TomcatClients();
    }

    @Bean
    MemoryRoutes memoryRoutes(Catalogue catalogue, ServedModels models) {
        return new MemoryRoutes(catalogue, models);
    }

    @Bean
    ExplainRoutes explainRoutes(Complete complete, RouterSettings settings) {
        return new ExplainRoutes(
                new ExplainRouting(complete, settings.answerWait(), EXPLAINED_NUMBERS_MAX),
                Math.toIntExact(settings.bodyMax().toBytes()));
    }

    @Bean
    RoutabilityRoutes routabilityRoutes(
            Catalogue catalogue,
            ResolveRouting resolveRouting,
            ServedModels models,
            Complete complete,
            RouterSettings settings) {
        return new RoutabilityRoutes(
                new ReportRoutability(catalogue, resolveRouting, models, complete, settings.answerWait()));
    }

    @Bean
    ModelRoutes modelRoutes(Catalogue catalogue, ServedModels models) {
        return new ModelRoutes(catalogue, models);
    }

    @Bean
    Errors errors() {
        return new Errors();
    }

    /** The id of an expert has a slash, which many clients escape in a path. */
    @Bean
    TomcatConnectorCustomizer escapedSlashes() {
        return connector -> connector.setEncodedSolidusHandling(EncodedSolidusHandling.DECODE.getValue());
    }

    /** Ready means: the catalogue is complete. Whether a base model is open does not matter; requests wait for it. */
    @Bean
    HealthIndicator catalogueHealthIndicator(Catalogue catalogue) {
        return () -> (catalogue.isReady() ? Health.up() : Health.outOfService())
                .withDetail("baseModels", catalogue.snapshot().bases().size())
                .withDetail("adapters", catalogue.snapshot().adapters().size())
                .build();
    }
}
