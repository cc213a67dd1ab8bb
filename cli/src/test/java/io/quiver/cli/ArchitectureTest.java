package io.quiver.cli;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The rules of docs/architecture.md for the commands, which no other module sees. */
class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.quiver.cli");

    @Test
    void commands_use_the_words_the_mathematics_the_decoder_and_the_standalone_stack_and_no_service() {
        classes()
                .that()
                .resideInAPackage("io.quiver.cli..")
                .should()
                .onlyDependOnClassesThat(DescribedPredicate.not(resideInAPackage("io.quiver.."))
                        .or(resideInAPackage("io.quiver.cli.."))
                        .or(resideInAPackage("io.quiver.schemas"))
                        .or(resideInAPackage("io.quiver.lora.."))
                        .or(resideInAPackage("io.quiver.decoder.."))
                        .or(resideInAPackage("io.quiver.standalone")))
                .check(CLASSES);
    }

    @Test
    void clients_terminal_and_verification_know_nothing_of_the_commands() {
        noClasses()
                .that()
                .resideInAnyPackage("io.quiver.cli.http", "io.quiver.cli.terminal", "io.quiver.cli.verify")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.quiver.cli")
                .check(CLASSES);
    }

    @Test
    void only_the_clients_speak_http() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.quiver.cli.http")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("java.net.http")
                .check(CLASSES);
    }

    @Test
    void nothing_depends_on_spring() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.springframework..")
                .check(CLASSES);
    }
}
