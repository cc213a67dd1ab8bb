package io.quiver.router;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.EvidenceMatrices;
import io.quiver.lora.evidence.ChooseByEvidence;
import io.quiver.lora.evidence.CompareExamples;
import io.quiver.lora.evidence.ExampleCentroids;
import io.quiver.lora.evidence.LibraryThreshold;
import io.quiver.lora.evidence.PointBaseline;
import io.quiver.lora.evidence.RegressOnExamples;
import io.quiver.router.EvidenceLibrary.LibraryExamples;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.EvidenceRef;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One base calibration on one decoder, and the evidence of experts against it. Thread-safe but for the count of its users. */
final class OpenCalibration {
    /** Libraries whose thresholds are remembered. */
    private static final int THRESHOLDS_MAX = 256;

    /** Libraries whose examples stay prepared: of 256 experts each takes 1 MB. */
    private static final int PREPARED_MAX = 8;

    private static final Logger LOG = LoggerFactory.getLogger(OpenCalibration.class);

    private final CalibrationRef reference;
    private final Decoder decoder;
    private final EvidenceFiles files;
    private final EvidenceMatrices matrices;
    private final ChooseByEvidence choose;
    private final ConcurrentMap<Key, Loaded> experts = new ConcurrentHashMap<>();
    /** By the files of the members' evidence, used longest ago first. Guarded by itself. */
    private final Map<List<Digest>, Double> thresholds = new LinkedHashMap<>(16, 0.75f, true);
    /** By the files of the members' evidence, used longest ago first. Guarded by itself. */
    private final Map<List<Digest>, LibraryExamples> prepared = new LinkedHashMap<>(16, 0.75f, true);
    /** Read when the first library with examples is compared. Guarded by this. */
    private @Nullable CompareExamples compareExamples;

    /** Counted by whoever holds the calibration's key. */
    private int users;

    private volatile long lastUse;

    /** @param file of the evidence: the same expert measured with other examples is another file */
    private record Key(Digest expert, Digest file) {}

    /** An expert's evidence in the decoder. */
    record Loaded(EvidenceMatrices.Resident resident, Optional<ExampleCentroids> examples) {}

    OpenCalibration(CalibrationRef reference, Decoder decoder, EvidenceFiles files) {
        this.reference = reference;
        this.decoder = decoder;
        this.files = files;
        List<PointBaseline> baselines = files.baselines(reference);
        this.matrices = decoder.openEvidence(baselines);
        this.choose = new ChooseByEvidence(baselines);
    }

    CalibrationRef reference() {
        return reference;
    }

    OpenCalibration used(long use) {
        users++;
        lastUse = use;
        return this;
    }

    OpenCalibration released() {
        users--;
        return this;
    }

    boolean inUse() {
        return users > 0;
    }

    long lastUse() {
        return lastUse;
    }

    /** How many experts' evidence is loaded. */
    int experts() {
        return experts.size();
    }

    /** Bytes of the matrices of the calibration and of experts. */
    long residentBytes() {
        return matrices.residentBytes();
    }

    /** Loads what is missing of a library's evidence. Its experts are resident and stay so. */
    EvidenceLibrary library(List<PinnedExpert> members, List<EvidenceRef> references, ObjLongConsumer<Digest> grew) {
        List<Loaded> loaded = new ArrayList<>();
        for (int i = 0; i < members.size(); i++) {
            loaded.add(load(members.get(i), references.get(i), grew));
        }
        List<Digest> library =
                references.stream().map(each -> each.prototypes().digest()).toList();
        return new EvidenceLibrary(
                decoder, matrices, choose, loaded, threshold(library, loaded), prepared(library, loaded));
    }

    private Loaded load(PinnedExpert expert, EvidenceRef evidence, ObjLongConsumer<Digest> grew) {
        Key key = new Key(expert.digest(), evidence.prototypes().digest());
        Loaded known = experts.get(key);
        if (known != null) {
            return known;
        }
        List<Loaded> loadedHere = new ArrayList<>();
        Loaded loaded = experts.computeIfAbsent(key, absent -> {
            loadedHere.add(read(expert, evidence));
            return loadedHere.get(0);
        });
        if (!loadedHere.isEmpty()) {
            grew.accept(expert.digest(), loaded.resident().residentBytes());
        }
        return loaded;
    }

    private Loaded read(PinnedExpert expert, EvidenceRef evidence) {
        try {
            EvidenceFiles.Measured measured = files.measured(expert, evidence);
            // Under the file's digest: the matrices must be those of just this file.
            return new Loaded(
                    matrices.load(evidence.prototypes().digest().toString(), measured.evidence()), measured.examples());
        } catch (RuntimeException e) {
            LOG.warn("the evidence of expert {} cannot be loaded", expert.label(), e);
            throw new RequestRefusedException(
                    RefusalCode.EXPERT_UNAVAILABLE,
                    "the evidence of expert " + expert.label() + " cannot be loaded: " + e.getMessage(),
                    "routing.experts",
                    e);
        }
    }

    private double threshold(List<Digest> library, List<Loaded> members) {
        synchronized (thresholds) {
            Double known = thresholds.get(library);
            if (known != null) {
                return known;
            }
            double threshold = LibraryThreshold.beyondGeneric(
                    members.stream().map(one -> one.resident().constants()).toList());
            thresholds.put(library, threshold);
            if (thresholds.size() > THRESHOLDS_MAX) {
                thresholds.remove(thresholds.keySet().iterator().next());
            }
            return threshold;
        }
    }

    /** The examples of all members; null if one of them has none. */
    private @Nullable LibraryExamples prepared(List<Digest> library, List<Loaded> members) {
        List<ExampleCentroids> examples =
                members.stream().map(Loaded::examples).flatMap(Optional::stream).toList();
        if (examples.size() < members.size()) {
            return null;
        }
        CompareExamples compare = examples();
        synchronized (prepared) {
            LibraryExamples known = prepared.get(library);
            if (known != null) {
                return known;
            }
            LibraryExamples made = new LibraryExamples(compare, new RegressOnExamples(compare, examples));
            prepared.put(library, made);
            if (prepared.size() > PREPARED_MAX) {
                prepared.remove(prepared.keySet().iterator().next());
            }
            return made;
        }
    }

    private synchronized CompareExamples examples() {
        if (compareExamples == null) {
            compareExamples = new CompareExamples(reference.digest().toString(), files.frames(reference));
        }
        return compareExamples;
    }

    void forget(Digest expert) {
        experts.forEach((key, loaded) -> {
            if (key.expert().equals(expert) && experts.remove(key, loaded)) {
                matrices.evict(loaded.resident());
            }
        });
    }

    /** @param grew is told that experts take less */
    void close(ObjLongConsumer<Digest> grew) {
        matrices.close();
        experts.forEach(
                (key, loaded) -> grew.accept(key.expert(), -loaded.resident().residentBytes()));
    }
}
