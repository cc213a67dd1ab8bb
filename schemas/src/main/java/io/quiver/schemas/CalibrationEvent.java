package io.quiver.schemas;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the services say of calibrations: of base models, attempt by attempt, and of versions of adapters against them.
 * Attempts at one base model count from 1; what is said of an attempt that is not the newest changes nothing.
 */
public sealed interface CalibrationEvent extends Event {
    /** Events about one attempt to calibrate a base model. */
    sealed interface AboutAttempt extends CalibrationEvent, Event.AboutBaseModel {
        int attempt();

        private static void require(int attempt) {
            if (attempt < 1) {
                throw new IllegalArgumentException("attempts count from 1, but this is " + attempt);
            }
        }
    }

    /**
     * A base model is to be calibrated. Registry to workers, and to whoever subscribes.
     *
     * @param seed of all randomness in it, not negative: the same one gives the same calibration
     */
    record BaseModelCalibrationRequested(
            BaseModelRef base, List<StoredFile> files, int attempt, long seed, Instant requestedAt)
            implements AboutAttempt {
        public BaseModelCalibrationRequested {
            files = List.copyOf(files);
            AboutAttempt.require(attempt);
            if (seed < 0) {
                throw new IllegalArgumentException("a seed is not negative, but this is " + seed);
            }
        }
    }

    /**
     * A worker is at it. Worker to registry.
     *
     * @param stage what it does, such as {@code sampling}
     * @param done of {@code total} steps of the stage
     */
    record CalibrationProgressed(BaseModelRef base, int attempt, String stage, int done, int total, String worker)
            implements AboutAttempt {
        public CalibrationProgressed {
            AboutAttempt.require(attempt);
        }
    }

    /** The calibration lies in the object store. Worker to registry. */
    record CalibrationComputed(
            BaseModelRef base, int attempt, CalibrationRef calibration, long elapsedMillis, String worker)
            implements AboutAttempt {
        public CalibrationComputed {
            AboutAttempt.require(attempt);
        }
    }

    /**
     * There will be no calibration from this attempt. Worker to registry.
     *
     * @param code stable and lower case, such as {@code base_model_too_large}
     * @param message for people: what is wrong and what to do
     */
    record CalibrationFailed(BaseModelRef base, int attempt, String code, String message, String worker)
            implements AboutAttempt {
        public CalibrationFailed {
            AboutAttempt.require(attempt);
        }
    }

    /** The registry knows that a worker is at it, and how far it has come. For people who watch. */
    record BaseModelCalibrating(BaseModelRef base, int attempt, String stage, int done, int total, String worker)
            implements AboutAttempt {
        public BaseModelCalibrating {
            AboutAttempt.require(attempt);
        }
    }

    /** Committed and there, of the announced size: adapters are measured against it from here on. Public contract. */
    record BaseModelCalibrated(
            BaseModelRef base, int attempt, CalibrationRef calibration, long elapsedMillis, Instant calibratedAt)
            implements AboutAttempt {
        public BaseModelCalibrated {
            AboutAttempt.require(attempt);
        }
    }

    /** The attempt came to nothing; what was there before goes on serving. Public contract. */
    record BaseModelCalibrationFailed(BaseModelRef base, int attempt, String code, String message, Instant failedAt)
            implements AboutAttempt {
        public BaseModelCalibrationFailed {
            AboutAttempt.require(attempt);
        }
    }

    /**
     * A version that is ready lacks evidence against its base model's calibration. Registry to workers; what the version has
     * goes on serving until they are done.
     *
     * @param examples its example prompts, if it came with some
     * @param baseFiles of the base model, which has to read them; null without examples
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record AdapterCalibrationRequested(
            AdapterName adapter,
            int version,
            Digest digest,
            BaseModelRef base,
            List<StoredFile> files,
            CalibrationRef calibration,
            @Nullable StoredFile examples,
            @Nullable List<StoredFile> baseFiles,

            Instant requestedAt)
            implements CalibrationEvent, Event.AboutVersion {
        public AdapterCalibrationRequested {
            files = List.copyOf(files);
            baseFiles = baseFiles == null ? null : List.copyOf(baseFiles);
        }
    }

    /** A version has evidence, read back and checked: it can be routed to by it. Public contract. */
    record AdapterCalibrated(
            AdapterName adapter,
            int version,
            Digest digest,
            BaseModelRef base,
            EvidenceRef evidence,
            Instant calibratedAt)
            implements CalibrationEvent, Event.AboutVersion {}

    /**
     * A version gets no evidence against this calibration, and stays ready with its prototypes. Public contract.
     *
     * @param calibration digest of the calibration
     */
    record AdapterCalibrationFailed(
            AdapterName adapter,
            int version,
            Digest digest,
            Digest calibration,
            String code,
            String message,
            Instant failedAt)
            implements CalibrationEvent, Event.AboutVersion {}
}
