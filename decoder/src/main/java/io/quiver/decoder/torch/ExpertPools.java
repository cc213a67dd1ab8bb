package io.quiver.decoder.torch;

import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.gate.GateScores;
import io.quiver.lora.peft.LoraModule;
import io.quiver.lora.peft.LoraUpdates;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where resident experts lie: at every point a pool of slots, slot 0 all zero. A pool grows by half when it is full, which on a CPU
 * takes memory for the slots in use only, and takes the rank of its largest expert; shorter ranks are padded with zeros. The
 * lowest free slot is taken first, so that memory given back by one expert is the next one's. Not thread-safe.
 */
final class ExpertPools {
    /**
     * From 32 MiB on, the C library takes a tensor's memory from the system by itself and gives it back whole: what was never
     * written costs nothing, and what is freed leaves no holes. Rounded prototypes have half of it, and should be large too.
     */
    private static final long LARGE_BYTES = 66L << 20;

    private final TensorProgram program;
    private final List<Point> points;
    private final int elementBytes;
    private final int rankMax;
    private final boolean kernels;
    private final long largeBytes;
    private final BitSet[] used; // (points)
    private final int[] capacities; // (points)
    private final int[] ranks; // (points)
    /** How many slots, the first ones, were ever written; what lies behind them takes no memory on a CPU. */
    private final int[] written; // (points)

    private final Map<String, Place> places = new HashMap<>();

    /** A module of the model: its point, its place there, and its number among all modules. */
    private record Place(int point, int index, int module) {}

    /**
     * @param sparse whether memory that was never written costs nothing, as on a CPU: pools are made large then, so that they
     *     seldom move
     * @param kernels whether the program has the kernels' part
     */
    ExpertPools(
            TensorProgram program, List<Point> points, int elementBytes, int rankMax, boolean sparse, boolean kernels) {
        this.program = program;
        this.points = points;
        this.elementBytes = elementBytes;
        this.rankMax = rankMax;
        this.kernels = kernels;
        this.largeBytes = sparse ? LARGE_BYTES : 1;
        used = new BitSet[points.size()];
        capacities = new int[points.size()];
        ranks = new int[points.size()];
        written = new int[points.size()];
        int module = 0;
        for (int q = 0; q < points.size(); q++) {
            used[q] = new BitSet();
            used[q].set(ResidentExpert.NOTHING);
            capacities[q] = 1;
            ranks[q] = 1;
            written[q] = 1;
            for (int i = 0; i < points.get(q).modules().size(); i++) {
                places.put(points.get(q).modules().get(i), new Place(q, i, module++));
            }
        }
    }

    /** An expert laid out in the program, waiting for its slots. */
    record Prepared(
            long id, String digest, int[] rankByPoint, BitSet choosable, Map<Integer, float[]> gateDirections) {}

    /**
     * Reads an adapter and lays it out as slots are. Touches no pool, so that decoding may go on.
     *
     * @throws IllegalArgumentException if the adapter does not fit the model
     */
    Prepared prepare(long id, String digest, LoraUpdates adapter, Map<String, ModulePrototype> prototypes)
            throws IOException {
        List<List<LoraModule>> byPoint = new ArrayList<>();
        points.forEach(point -> byPoint.add(new ArrayList<>()));
        for (LoraModule module : adapter.modules()) {
            byPoint.get(check(module).point()).add(module);
        }
        int[] rankByPoint = new int[points.size()];
        BitSet choosable = new BitSet();
        Map<Integer, float[]> directions = gateDirections(adapter);
        try {
            for (int q = 0; q < points.size(); q++) {
                if (!byPoint.get(q).isEmpty()) {
                    rankByPoint[q] = prepareAt(id, q, byPoint.get(q), adapter, prototypes, choosable);
                }
            }
        } catch (IOException | RuntimeException e) {
            program.run("discard", id);
            throw e;
        }
        return new Prepared(id, digest, rankByPoint, choosable, directions);
    }

    /** The gate vectors of an adapter as they meet a normalised input, by the number of the module. // (in) each */
    private Map<Integer, float[]> gateDirections(LoraUpdates adapter) throws IOException {
        Map<Integer, float[]> directions = new HashMap<>();
        for (LoraModule module : adapter.modules()) {
            Optional<float[]> vector = adapter.gateVector(module);
            if (vector.isPresent()) {
                double[] exact = new double[module.in()];
                for (int i = 0; i < exact.length; i++) {
                    exact[i] = vector.get()[i];
                }
                exact = GateScores.direction(exact);
                float[] direction = new float[exact.length];
                for (int i = 0; i < exact.length; i++) {
                    direction[i] = (float) exact[i];
                }
                directions.put(place(module.path()).module(), direction);
            }
        }
        return directions;
    }

    private int prepareAt(
            long id,
            int q,
            List<LoraModule> modules,
            LoraUpdates adapter,
            Map<String, ModulePrototype> prototypes,
            BitSet choosable)
            throws IOException {
        Point point = points.get(q);
        float[] vectors = new float[point.modules().size() * point.in()]; // (modules, in)
        int[] indices = new int[modules.size()];
        double[] scales = new double[modules.size()];
        int rank = 0;
        for (int i = 0; i < modules.size(); i++) {
            LoraModule module = modules.get(i);
            Place place = place(module.path());
            indices[i] = place.index();
            scales[i] = module.scaling();
            rank = Math.max(rank, module.rank());
            program.run("stage_values", new TensorProgram.Floats(adapter.a(module), module.rank(), module.in()));
            program.run("stage_values", new TensorProgram.Floats(adapter.b(module), module.out(), module.rank()));
            @Nullable ModulePrototype prototype = prototypes.get(module.path());
            if (prototype != null) {
                if (prototype.vector().length != point.in()) {
                    throw new IllegalArgumentException("the prototype of " + module.path() + " has "
                            + prototype.vector().length + " components, the module reads " + point.in());
                }
                System.arraycopy(prototype.vector(), 0, vectors, place.index() * point.in(), point.in());
                choosable.set(place.module());
            }
        }
        program.run(
                "prepare",
                id,
                q,
                indices,
                scales,
                rank,
                new TensorProgram.Floats(vectors, point.modules().size(), point.in()));
        return rank;
    }

    private Place place(String path) {
        Place place = places.get(path);
        if (place == null) {
            throw new IllegalArgumentException("the model has no linear module " + path);
        }
        return place;
    }

    private Place check(LoraModule module) {
        Place place = place(module.path());
        Point point = points.get(place.point());
        if (module.in() != point.in() || module.out() != point.outs().get(place.index())) {
            throw new IllegalArgumentException(module.path() + " has the shape (" + module.out() + ", " + module.in()
                    + ") in the adapter, (" + point.outs().get(place.index()) + ", " + point.in() + ") in the model");
        }
        if (module.rank() > rankMax) {
            throw new IllegalArgumentException(
                    module.path() + " has rank " + module.rank() + ", the limit is " + rankMax);
        }
        return place;
    }

    /** Whether a pool would have to grow for the expert: then it moves, and tables must be made anew. */
    boolean movesFor(Prepared prepared) {
        for (int q = 0; q < points.size(); q++) {
            int rank = prepared.rankByPoint()[q];
            if (rank > ranks[q] || (rank > 0 && used[q].nextClearBit(0) >= capacities[q])) {
                return true;
            }
        }
        return false;
    }

    /** Writes a prepared expert into free slots. */
    ResidentExpert commit(Prepared prepared) {
        int[] slots = new int[points.size()];
        for (int q = 0; q < points.size(); q++) {
            int rank = prepared.rankByPoint()[q];
            if (rank > 0) {
                slots[q] = used[q].nextClearBit(0);
                makeRoom(q, slots[q] + 1, rank);
                used[q].set(slots[q]);
                written[q] = Math.max(written[q], slots[q] + 1);
            }
        }
        program.run("commit", prepared.id(), slots);
        if (kernels) {
            program.run("round_prototypes", slots, written);
            program.run("gather_pools", slots, written);
        }
        return new ResidentExpert(prepared.digest(), this, slots, prepared.choosable(), prepared.gateDirections());
    }

    private void makeRoom(int q, int slots, int rank) {
        int poolRank = Math.max(rank, ranks[q]);
        int capacity = capacities[q];
        if (slots > capacity || poolRank != ranks[q]) {
            int more = slots > capacity ? Math.max(slots, capacity + capacity / 2) : capacity;
            capacity = Math.max(more, slotsMin(points.get(q), poolRank));
        }
        if (capacity != capacities[q] || poolRank != ranks[q]) {
            program.run("grow", q, capacity, poolRank, written[q]);
            capacities[q] = capacity;
            ranks[q] = poolRank;
        }
    }

    /** So many that the tensors of A and of B are large ones. */
    private int slotsMin(Point point, int rank) {
        long smaller =
                Math.min((long) point.modules().size() * point.in(), (long) point.pieces().length * point.pieceWidth());
        return Math.toIntExact((largeBytes + smaller * rank * elementBytes - 1) / (smaller * rank * elementBytes));
    }

    /** Rank of the slots of a point. */
    int rank(int q) {
        return ranks[q];
    }

    /** Frees an expert's slots; what is in them stays until they are used again. */
    void evict(ResidentExpert expert) {
        for (int q = 0; q < points.size(); q++) {
            if (expert.slot(q) != ResidentExpert.NOTHING) {
                used[q].clear(expert.slot(q));
            }
        }
        expert.markEvicted();
    }

    /** Bytes of an expert's slots. */
    long bytes(ResidentExpert expert) {
        long bytes = 0;
        for (int q = 0; q < points.size(); q++) {
            if (expert.slot(q) != ResidentExpert.NOTHING) {
                bytes += points.get(q).slotBytes(ranks[q], elementBytes);
            }
        }
        return bytes;
    }
}
