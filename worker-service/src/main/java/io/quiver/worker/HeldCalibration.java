package io.quiver.worker;

import io.quiver.lora.evidence.BaseCalibration;
import io.quiver.lora.evidence.CalibrateAdapter;
import io.quiver.lora.evidence.CalibrationFile;
import io.quiver.lora.evidence.CompareExamples;
import io.quiver.lora.evidence.InvalidCalibrationFileException;
import io.quiver.lora.evidence.ModuleUpdate;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.evidence.ProbePoints;
import io.quiver.lora.safetensors.InvalidSafetensorsException;
import io.quiver.objectstore.ContentMismatchException;
import io.quiver.objectstore.FetchObject;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectNotFoundException;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.SoftReference;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The one calibration that this worker has at hand: its file on the disk, and what was read of it last in memory, as long as
 * memory lasts. Adapters of one base model come together, so the next one mostly finds what it needs. Thread-safe.
 */
public final class HeldCalibration implements AutoCloseable {
    private static final int REHEARSED_RANK = 8;
    private static final int REHEARSALS = 2;

    private final FetchObject fetchObject;
    private final Path tempDir;
    private final long bytesMax;

    /** Guarded by this. */
    private @Nullable Held held;

    private static final class Held {
        final Digest digest;
        final TemporaryFolder folder;
        final Path file;
        final List<ProbePoint> points;
        SoftReference<Read> read = new SoftReference<>(null);

        Held(Digest digest, TemporaryFolder folder, Path file, List<ProbePoint> points) {
            this.digest = digest;
            this.folder = folder;
            this.file = file;
            this.points = points;
        }
    }

    /** Some points of a calibration, in memory. */
    private record Read(Set<ProbePoint> points, CalibrateAdapter calibrate) {}

    /**
     * @param tempDir where the file lies, made if absent
     * @param bytesMax the largest file taken
     */
    public HeldCalibration(ObjectStore store, Path tempDir, long bytesMax) {
        this.fetchObject = new FetchObject(store);
        this.tempDir = tempDir;
        this.bytesMax = bytesMax;
    }

    /**
     * What measures an adapter with these modules.
     *
     * @throws UnusableBaseException if the calibration cannot be used
     * @throws io.quiver.objectstore.ObjectStoreException if the store failed; worth trying again
     * @throws UncheckedIOException if the connection or the disk failed; worth trying again
     */
    synchronized CalibrateAdapter forModules(
            CalibrationRef calibration, BaseModelRef base, Collection<String> modules) {
        return use(calibration, file -> {
            List<ProbePoint> needed = ProbePoints.of(modules, file.points);
            Read read = file.read.get();
            if (read == null || !read.points().containsAll(needed)) {
                Set<ProbePoint> usual = Set.copyOf(usual(file.points));
                Set<ProbePoint> wanted = usual.containsAll(needed) ? usual : Set.copyOf(needed);
                BaseCalibration found = CalibrationFile.read(file.file, wanted);
                if (!found.baseDigest().equals(base.digest().toString())) {
                    throw unusable("it is of " + found.baseDigest() + ", not of " + base.name() + ", " + base.digest());
                }
                CalibrateAdapter calibrate =
                        new CalibrateAdapter(found, calibration.digest().toString());
                rehearse(calibrate, found);
                read = new Read(wanted, calibrate);
                file.read = new SoftReference<>(read);
            }
            return read.calibrate();
        });
    }

    /**
     * Measures made-up adapters, whose numbers nobody looks at: the first ones take several times as long as later ones, until the inner
     * loops are compiled, and somebody waits for the first real one.
     */
    private static void rehearse(CalibrateAdapter calibrate, BaseCalibration calibration) {
        Random random = new Random(1);
        Map<ProbePoint, List<ModuleUpdate>> updates = new TreeMap<>();
        calibration.points().forEach((point, fitted) -> {
            int in = fitted.baseline().in();
            double[] a = random.doubles((long) REHEARSED_RANK * in, -1, 1).toArray();
            double[] b = random.doubles((long) REHEARSED_RANK * REHEARSED_RANK, -1, 1)
                    .toArray();
            updates.put(point, List.of(new ModuleUpdate("rehearsal", REHEARSED_RANK, 1, a, b)));
        });
        for (int time = 0; time < REHEARSALS; time++) {
            calibrate.calibrate(updates);
        }
    }

    /** What example prompts are compared with; throws as {@link #forModules}. */
    synchronized CompareExamples forExamples(CalibrationRef calibration) {
        return use(
                calibration,
                file -> new CompareExamples(calibration.digest().toString(), CalibrationFile.readFrames(file.file)));
    }

    /** Those at which an adapter is measured that has something everywhere. */
    private static List<ProbePoint> usual(List<ProbePoint> points) {
        int layers = 1 + points.stream().mapToInt(ProbePoint::layer).max().orElse(0);
        return ProbePoints.usual(layers).stream().filter(points::contains).toList();
    }

    private interface Reading<T> {
        T of(Held file) throws IOException;
    }

    private <T> T use(CalibrationRef calibration, Reading<T> reading) {
        try {
            return reading.of(fetched(calibration));
        } catch (ObjectNotFoundException | ContentMismatchException e) {
            throw unusable(String.valueOf(e.getMessage()));
        } catch (InvalidCalibrationFileException | InvalidSafetensorsException e) {
            throw unusable(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the calibration: " + e.getMessage(), e);
        }
    }

    private Held fetched(CalibrationRef calibration) throws IOException {
        if (held != null && held.digest.equals(calibration.digest())) {
            return held;
        }
        close();
        if (calibration.sizeBytes() > bytesMax) {
            throw unusable("it has " + calibration.sizeBytes() + " bytes, and this worker takes " + bytesMax
                    + " (setting quiver.worker.base.calibration-size-max)");
        }
        TemporaryFolder folder = TemporaryFolder.in(tempDir);
        try {
            Path file = folder.file("calibration.safetensors");
            fetchObject.fetch(
                    new ObjectKey(calibration.key()),
                    calibration.sizeBytes(),
                    calibration.digest().hex(),
                    file);
            Held fetched = new Held(calibration.digest(), folder, file, CalibrationFile.points(file));
            held = fetched;
            return fetched;
        } catch (IOException | RuntimeException | Error e) {
            folder.close();
            throw e;
        }
    }

    private static UnusableBaseException unusable(String why) {
        return new UnusableBaseException(
                FailureCode.CALIBRATION_UNUSABLE, "the calibration of the base model cannot be used: " + why);
    }

    @Override
    public synchronized void close() {
        if (held != null) {
            held.folder.close();
            held = null;
        }
    }
}
