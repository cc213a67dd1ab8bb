package io.quiver.cli;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleNameEndingWith;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The rules of docs/architecture.md, for every module but the benchmarks, on which nothing stands. */
class ArchitectureTest {
    private static final String ROOT = "io.quiver.";
    private static final List<String> FORBIDDEN_WORDS =
            List.of("Manager", "Helper", "Util", "Utils", "Impl", "Common", "Misc");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.quiver");

    /** Module and the modules that it may use. */
    static Stream<Arguments> arrows() {
        return Stream.of(
                Arguments.of("schemas", Set.of()),
                Arguments.of("lora", Set.of()),
                Arguments.of("objectstore", Set.of()),
                Arguments.of("embedded", Set.of()),
                Arguments.of("decoder", Set.of("lora")),
                Arguments.of("registry", Set.of("schemas", "lora", "objectstore")),
                Arguments.of("worker", Set.of("schemas", "lora", "objectstore", "decoder")),
                Arguments.of("router", Set.of("schemas", "lora", "objectstore", "decoder")),
                Arguments.of("client", Set.of("schemas")),
                Arguments.of("terminal", Set.of()),
                Arguments.of(
                        "standalone",
                        Set.of("embedded", "registry", "worker", "router", "client", "terminal", "schemas")),
                Arguments.of("cli", Set.of("schemas", "lora", "decoder", "client", "terminal", "standalone")));
    }

    @ParameterizedTest
    @MethodSource("arrows")
    void a_module_uses_only_the_modules_that_its_arrows_point_to(String module, Set<String> allowed) {
        String[] packages = Stream.concat(Stream.of(module), allowed.stream())
                .map(name -> ROOT + name + "..")
                .toArray(String[]::new);
        classes()
                .that()
                .resideInAPackage(ROOT + module + "..")
                .should()
                .onlyDependOnClassesThat(
                        DescribedPredicate.not(resideInAPackage("io.quiver..")).or(anyOf(packages)))
                .check(CLASSES);
    }

    @Test
    void every_module_has_an_arrow_rule() {
        List<String> ruled = arrows().map(rule -> (String) rule.get()[0]).toList();
        assertThat(CLASSES.stream()
                        .map(type ->
                                type.getPackageName().substring(ROOT.length()).split("\\.")[0])
                        .distinct())
                .containsExactlyInAnyOrderElementsOf(ruled);
    }

    @ParameterizedTest
    @ValueSource(strings = {"schemas", "objectstore", "decoder", "registry", "worker", "router"})
    void a_domain_does_not_know_the_technology_under_it(String module) {
        noClasses()
                .that()
                .resideInAPackage(ROOT + module)
                .and(describe("are not its wiring", type -> !isWiring(type)))
                .should()
                .dependOnClassesThat(anyOf(
                                ROOT + module + ".web..",
                                ROOT + module + ".kafka..",
                                ROOT + module + ".jdbc..",
                                ROOT + module + ".minio..",
                                ROOT + module + ".torch..",
                                ROOT + module + ".metrics..",
                                "org.springframework..",
                                "org.apache.kafka..",
                                "java.sql..",
                                "javax.sql..",
                                "jakarta..",
                                "io.minio..",
                                "ai.djl..")
                        // A use case says where its transaction begins and ends.
                        .and(DescribedPredicate.not(resideInAPackage("org.springframework.transaction.support"))))
                .check(CLASSES);
    }

    @Test
    void formats_and_mathematics_know_no_technology() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + "lora..")
                .should()
                .dependOnClassesThat(anyOf(
                        "org.springframework..",
                        "org.apache.kafka..",
                        "java.sql..",
                        "java.net..",
                        "io.minio..",
                        "ai.djl.."))
                .check(CLASSES);
    }

    @Test
    void only_services_and_the_stack_that_runs_them_use_spring() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        ROOT + "schemas..",
                        ROOT + "lora..",
                        ROOT + "objectstore..",
                        ROOT + "embedded..",
                        ROOT + "decoder..",
                        ROOT + "client..",
                        ROOT + "terminal..",
                        ROOT + "cli..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.springframework..")
                .check(CLASSES);
    }

    @Test
    void only_the_client_speaks_http() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + "client..")
                // It asks the services of its own process for their health.
                .and()
                .doNotHaveFullyQualifiedName(ROOT + "standalone.Readiness")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("java.net.http")
                .check(CLASSES);
    }

    @Test
    void verification_knows_nothing_of_the_other_commands() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + "cli.verify")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT + "cli")
                .check(CLASSES);
    }

    @Test
    void packages_have_no_cycles() {
        slices().matching(ROOT + "(**)")
                .should()
                .beFreeOfCycles()
                .ignoreDependency(simpleNameEndingWith("Application"), DescribedPredicate.alwaysTrue())
                .check(CLASSES);
    }

    @Test
    void nothing_is_named_like_a_drawer() {
        assertThat(CLASSES.stream()
                        .map(JavaClass::getSimpleName)
                        .filter(name -> Arrays.stream(name.split("(?<=[a-z0-9])(?=[A-Z])"))
                                .anyMatch(FORBIDDEN_WORDS::contains)))
                .isEmpty();
        assertThat(CLASSES.stream()
                        .flatMap(type -> Arrays.stream(type.getPackageName().split("\\."))))
                .doesNotContain("util", "utils", "common", "misc", "impl", "helper", "helpers");
    }

    @Test
    void beans_are_listed_by_hand() {
        noClasses()
                .should()
                .beAnnotatedWith("org.springframework.context.annotation.ComponentScan")
                .orShould()
                .beAnnotatedWith("org.springframework.boot.autoconfigure.SpringBootApplication")
                .orShould()
                .beAnnotatedWith("org.springframework.stereotype.Component")
                .orShould()
                .beAnnotatedWith("org.springframework.stereotype.Service")
                .orShould()
                .beAnnotatedWith("org.springframework.stereotype.Repository")
                .check(CLASSES);
        fields().should()
                .notBeAnnotatedWith("org.springframework.beans.factory.annotation.Autowired")
                .andShould()
                .notBeAnnotatedWith("org.springframework.beans.factory.annotation.Value")
                .check(CLASSES);
    }

    /** The class that lists a service's beans, and the records that its settings are bound to. */
    private static boolean isWiring(JavaClass type) {
        return type.getName().contains("Application") || type.getName().contains("Settings");
    }

    private static DescribedPredicate<JavaClass> anyOf(String... packages) {
        return JavaClass.Predicates.resideInAnyPackage(packages);
    }
}
