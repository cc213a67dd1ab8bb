package io.quiver.worker;

import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.CalibrationEvent.AdapterCalibrationRequested;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.schemas.StoredFile;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is to be computed of an adapter: its prototypes, and its evidence if there is a calibration. Whoever asks for it, the
 * same work gives the same file.
 *
 * @param calibration of the base model that evidence is wanted against; null if none is
 * @param examples prompts that the adapter is for; null if there are none
 * @param baseFiles of the base model, where it has to read the examples; otherwise empty
 */
record AdapterWork(
        Digest digest,
        BaseModelRef base,
        List<StoredFile> files,
        @Nullable CalibrationRef calibration,
        @Nullable StoredFile examples,
        List<StoredFile> baseFiles) {
    AdapterWork {
        files = List.copyOf(files);
        baseFiles = List.copyOf(baseFiles);
    }

    static AdapterWork of(AdapterUploaded event) {
        return new AdapterWork(
                event.digest(),
                event.base(),
                event.files(),
                event.calibration(),
                event.examples(),
                orEmpty(event.baseFiles()));
    }

    static AdapterWork of(AdapterCalibrationRequested event) {
        return new AdapterWork(
                event.digest(),
                event.base(),
                event.files(),
                event.calibration(),
                event.examples(),
                orEmpty(event.baseFiles()));
    }

    private static List<StoredFile> orEmpty(@Nullable List<StoredFile> files) {
        return files == null ? List.of() : files;
    }
}
