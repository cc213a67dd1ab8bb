package io.quiver.objectstore.minio;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.lang.reflect.AnnotatedElement;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.testcontainers.DockerClientFactory;

/** Runs a test only where a Docker engine answers, and otherwise says plainly that it was skipped and how to run it. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(NeedsDocker.EngineAnswers.class)
@interface NeedsDocker {
    /** The condition. */
    final class EngineAnswers implements ExecutionCondition {
        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            if (DockerClientFactory.instance().isDockerAvailable()) {
                return ConditionEvaluationResult.enabled("a Docker engine answers");
            }
            String test = context.getElement().map(AnnotatedElement::toString).orElse(context.getDisplayName());
            String reason =
                    "SKIPPED, NOT PASSED: " + test + " needs a Docker engine, and none answers. Start one (or set"
                            + " DOCKER_HOST) and run: mvn verify -pl object-store -am";
            System.err.println(reason);
            return ConditionEvaluationResult.disabled(reason);
        }
    }
}
