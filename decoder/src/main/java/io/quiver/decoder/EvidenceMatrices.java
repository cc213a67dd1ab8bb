package io.quiver.decoder;

import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.ChooseByEvidence.ExpertLoudness;
import io.quiver.lora.evidence.EvidenceConstants;
import io.quiver.lora.evidence.ProbePoint;
import java.util.List;
import java.util.SortedMap;

/**
 * What the evidence gate multiplies inputs with, resident in a decoder: means and directions of one base calibration, and the
 * evidence matrices of experts that were measured against it. Of matrices it keeps the precision of the base, on
 * the device, and nothing on the heap. Thread-safe.
 */
public interface EvidenceMatrices extends AutoCloseable {
    /** The calibrated points, in order. */
    List<ProbePoint> points();

    /**
     * Makes an expert's matrices resident, or finds them resident under its digest.
     *
     * @param digest {@code sha256:…} of the adapter
     * @throws IllegalArgumentException if it has a point that was not calibrated, or a matrix of another width there
     */
    Resident load(String digest, AdapterEvidence evidence);

    /** Frees an expert's matrices. Doing it twice does nothing. */
    void evict(Resident expert);

    /** Bytes of everything that is resident here. */
    long residentBytes();

    /**
     * How loud experts are on what a sequence has kept: one product a point for all of them.
     *
     * @param first token from which on it is wanted, to the last one
     * @throws IllegalArgumentException if the sequence is closed, ends before that token, or does not keep the inputs of a point
     *     that an expert was measured at; or if an expert is not resident here
     */
    Loudness loudness(Sequence sequence, int first, List<Resident> experts);

    /** Frees everything. Closing twice does nothing. */
    @Override
    void close();

    /** An expert's matrices. Valid until they are evicted. */
    interface Resident {
        /** The digest of the adapter, {@code sha256:…}. */
        String digest();

        /** What the loudness that they give is compared by. */
        EvidenceConstants constants();

        /** Bytes of the matrices. */
        long residentBytes();
    }

    /**
     * What loudness comes of.
     *
     * @param experts ‖P(x − μ)‖ of each, at its own points
     * @param norms ‖Dᵀ(x − μ)‖ at the points at which any of the experts was measured // (points) of (tokens)
     */
    record Loudness(List<ExpertLoudness> experts, SortedMap<ProbePoint, double[]> norms) {}
}
