package io.quiver.registry;

import io.quiver.objectstore.ObjectKey;
import io.quiver.schemas.CalibrationEvent.AdapterCalibrated;
import io.quiver.schemas.CalibrationEvent.AdapterCalibrationFailed;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event;
import io.quiver.schemas.EvidenceRef;
import io.quiver.schemas.EvidenceReport;
import io.quiver.schemas.PrototypeFileRef;
import io.quiver.schemas.StoredFile;
import java.time.Instant;
import java.util.Optional;

/**
 * Takes down the evidence of a version that can be routed to, in the caller's transaction. What is against another calibration
 * than the one that serves, or with other examples than the version has, came too late: it changes nothing, since the right one
 * was asked for. Thread-safe.
 */
final class RecordEvidence {
    private final Adapters adapters;
    private final BaseModels bases;
    private final VersionEvidence evidence;

    RecordEvidence(Adapters adapters, BaseModels bases, VersionEvidence evidence) {
        this.adapters = adapters;
        this.bases = bases;
        this.evidence = evidence;
    }

    /** Returns the event that tells of it, if it changed anything; the file has been read and holds what the report says. */
    Optional<Event> record(Event.AboutVersion about, PrototypeFileRef file, EvidenceReport report, Instant now) {
        if (report.failureCode() != null) {
            return fail(
                    about, report.calibration(), report.failureCode(), String.valueOf(report.failureMessage()), now);
        }
        AdapterVersion version = adapters.find(about.adapter(), about.version()).orElseThrow();
        Optional<CalibrationRef> calibration = serving(version, report.calibration());
        if (calibration.isEmpty() || !file.key().equals(key(version, file.algorithm(), report.calibration()))) {
            return Optional.empty();
        }
        EvidenceRef added = new EvidenceRef(calibration.get(), file, report.exampleCount());
        return evidence.add(about.adapter(), about.version(), added)
                ? Optional.of(new AdapterCalibrated(
                        about.adapter(), about.version(), about.digest(), version.base(), added, now))
                : Optional.empty();
    }

    /** Notes that there will be none. Returns the event that tells of it, if it changed anything. */
    Optional<Event> fail(Event.AboutVersion about, Digest calibration, String code, String message, Instant now) {
        AdapterVersion version = adapters.find(about.adapter(), about.version()).orElseThrow();
        return serving(version, calibration).isPresent()
                        && evidence.fail(about.adapter(), about.version(), new Failure(code, message, null, now))
                ? Optional.of(new AdapterCalibrationFailed(
                        about.adapter(), about.version(), about.digest(), calibration, code, message, now))
                : Optional.empty();
    }

    private Optional<CalibrationRef> serving(AdapterVersion version, Digest calibration) {
        return bases.find(version.base().name())
                .flatMap(base -> base.calibration().serving())
                .filter(file -> file.digest().equals(calibration));
    }

    private static String key(AdapterVersion version, String algorithm, Digest calibration) {
        return ObjectKey.prototypesWithEvidence(
                        version.digest().hex(),
                        algorithm,
                        calibration.hex(),
                        Optional.ofNullable(version.examples())
                                .map(StoredFile::digest)
                                .map(Digest::hex))
                .value();
    }
}
