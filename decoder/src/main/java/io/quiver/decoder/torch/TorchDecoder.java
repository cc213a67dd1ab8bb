package io.quiver.decoder.torch;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.DecoderSettings;
import io.quiver.decoder.EvidenceMatrices;
import io.quiver.decoder.Expert;
import io.quiver.decoder.ModelConfig;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import io.quiver.decoder.Tracing;
import io.quiver.decoder.WeightCache;
import io.quiver.decoder.huggingface.ConfigFile;
import io.quiver.decoder.huggingface.WeightFiles;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.evidence.PointBaseline;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraUpdates;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The decoder on libtorch. One lock, fair, is held during a pass through the model and during each change of pools, tables and
 * caches; a second one during the long first part of loading an expert, which touches none of them. Longer than other classes, since
 * every operation of a decoder has to pass by these two locks.
 */
public final class TorchDecoder implements Decoder {
    private final ModelConfig config;
    private final DecoderSettings settings;
    private final TensorProgram program;
    /** Whether the program has the kernels' part. */
    private final boolean kernels;

    private final ExpertPools pools;
    private final Tables tables;
    private final KeptInputs keptInputs;
    private final CheckFeeds checkFeeds;
    private final StepCalls calls;
    private final ReentrantLock lock = new ReentrantLock(true);
    private final ReentrantLock loading = new ReentrantLock(true);
    private final Map<String, ResidentExpert> experts = new HashMap<>();
    private final Set<TorchSequence> sequences = new HashSet<>();
    private long nextSequence;
    private long nextExpert;
    private long nextEvidence;
    private boolean closed;

    private TorchDecoder(ModelConfig config, DecoderSettings settings, TensorProgram program, boolean kernels) {
        this.config = config;
        this.settings = settings;
        this.program = program;
        this.kernels = kernels;
        List<Point> points = Point.of(config);
        pools = new ExpertPools(
                program, points, DecoderProgram.elementBytes(settings), settings.rankMax(), settings.onCpu(), kernels);
        tables = new Tables(program, points, pools, kernels);
        keptInputs = new KeptInputs(program, points, DecoderProgram.elementBytes(settings));
        checkFeeds = new CheckFeeds(this, config.vocabulary());
        calls = new StepCalls(program, config, points, settings.stepTokensMax(), kernels);
    }

    /**
     * Loads a base model.
     *
     * @param modelFolder Hugging Face folder: config.json and safetensors, whole or in shards
     * @throws io.quiver.decoder.UnsupportedModelException naming the field or tensor that is not supported
     * @throws io.quiver.lora.safetensors.InvalidSafetensorsException if a weight file is broken
     * @throws io.quiver.lora.model.InvalidBaseModelException if the files do not fit together
     */
    public static TorchDecoder open(Path modelFolder, DecoderSettings settings) throws IOException {
        return open(modelFolder, settings, DecoderProgram.linearFor(settings), Optional.empty());
    }

    /**
     * Loads a base model whose weights are kept between two starts: the first one writes them to a file as they are multiplied, later ones
     * map that file. Where the decoder has no kernels it is as if there were no cache.
     *
     * @throws io.quiver.decoder.UnsupportedModelException as {@link #open(Path, DecoderSettings)} does, and all else too
     */
    public static TorchDecoder open(Path modelFolder, DecoderSettings settings, WeightCache kept) throws IOException {
        return open(modelFolder, settings, DecoderProgram.linearFor(settings), Optional.of(kept));
    }

    /** @param linear the text of the linear layers */
    static TorchDecoder open(Path modelFolder, DecoderSettings settings, String linear) throws IOException {
        return open(modelFolder, settings, linear, Optional.empty());
    }

    private static TorchDecoder open(
            Path modelFolder, DecoderSettings settings, String linear, Optional<WeightCache> kept) throws IOException {
        ModelConfig config = ConfigFile.read(modelFolder);
        WeightFiles files = WeightFiles.of(modelFolder);
        return new TorchDecoder(
                config,
                settings,
                DecoderProgram.load(config, files, settings, linear, kept),
                linear.equals(DecoderProgram.DENSE));
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    /** Whether the kernels take whole steps of many tokens. */
    boolean reads() {
        return calls.reads();
    }

    @Override
    public Expert load(String digest, Path adapterFolder, Map<String, ModulePrototype> prototypes) throws IOException {
        try (LoraAdapter adapter = LoraAdapter.open(adapterFolder, AdapterLimits.DEFAULT)) {
            return load(digest, adapter, prototypes);
        }
    }

    @Override
    public Expert load(String digest, LoraUpdates updates, Map<String, ModulePrototype> prototypes) throws IOException {
        loading.lock();
        try {
            @Nullable Expert known = find(digest);
            return known != null ? known : commit(pools.prepare(nextExpert++, digest, updates, prototypes));
        } finally {
            loading.unlock();
        }
    }

    private @Nullable Expert find(String digest) {
        lock.lock();
        try {
            requireOpen();
            return experts.get(digest);
        } finally {
            lock.unlock();
        }
    }

    private Expert commit(ExpertPools.Prepared prepared) {
        lock.lock();
        try {
            requireOpen();
            boolean poolsMove = pools.movesFor(prepared);
            ResidentExpert expert = pools.commit(prepared);
            if (poolsMove) {
                tables.rewrite();
            }
            experts.put(expert.digest(), expert);
            return expert;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void evict(Expert expert) {
        lock.lock();
        try {
            if (!(expert instanceof ResidentExpert resident) || !resident.residentIn(pools)) {
                return;
            }
            if (tables.uses(resident)) {
                throw new IllegalStateException("an open sequence uses the expert " + expert.digest());
            }
            tables.forget(resident);
            pools.evict(resident);
            experts.remove(expert.digest());
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Sequence open(Routing routing, int tokensMax, List<ProbePoint> probed) {
        if (tokensMax < 1 || tokensMax > config.contextTokensMax()) {
            throw new IllegalArgumentException(
                    tokensMax + " tokens are not between 1 and the context of " + config.contextTokensMax());
        }
        keptInputs.checkPoints(probed);
        lock.lock();
        try {
            requireOpen();
            @Nullable Table table = null;
            if (routing instanceof Routing.Arrow arrow) {
                table = tables.open(Table.Key.arrow(residents(arrow.experts())), arrow.tracing() == Tracing.MODULES);
            } else if (routing instanceof Routing.Gated gated) {
                table = tables.open(
                        new Table.Key(residents(gated.experts()), List.of(), Optional.of(gated.scoring())), true);
            } else if (routing instanceof Routing.Fixed fixed
                    && !fixed.experts().isEmpty()) {
                table = tables.open(Table.Key.fixed(residents(fixed.experts()), fixed.weights()), false);
            }
            TorchSequence sequence = new TorchSequence(this, nextSequence++, routing, probed, tokensMax, table);
            keptInputs.open(sequence);
            sequences.add(sequence);
            return sequence;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Sequence fork(Sequence source, int tokens, int tokensMax, List<ProbePoint> probed) {
        lock.lock();
        try {
            if (!(source instanceof TorchSequence from) || !from.belongsTo(this) || from.closed()) {
                throw new IllegalArgumentException("the sequence to begin with is closed or of another decoder");
            }
            if (tokens < 1 || tokens > from.length() || tokens > tokensMax) {
                throw new IllegalArgumentException(tokens + " tokens are not between 1 and the " + from.length()
                        + " of the sequence to begin with, or more than " + tokensMax);
            }
            if (!from.probed().containsAll(probed)) {
                throw new IllegalArgumentException("the sequence to begin with keeps the inputs of " + from.probed());
            }
            TorchSequence sequence = (TorchSequence) open(from.routing(), tokensMax, probed);
            try {
                int capacity = sequence.capacityFor(tokens);
                program.run("begin_with", sequence.id(), from.id(), tokens, capacity);
                keptInputs.beginWith(sequence, from, tokens, capacity);
                sequence.advance(tokens, capacity);
                return sequence;
            } catch (RuntimeException e) {
                close(sequence);
                throw e;
            }
        } finally {
            lock.unlock();
        }
    }

    void freeze(TorchSequence sequence) {
        lock.lock();
        try {
            if (!closed && !sequence.closed()) {
                sequence.markFrozen();
                giveBackTable(sequence);
            }
        } finally {
            lock.unlock();
        }
    }

    private void giveBackTable(TorchSequence sequence) {
        @Nullable Table table = sequence.takeTable();
        if (table != null) {
            tables.close(table);
        }
    }

    private List<ResidentExpert> residents(List<Expert> wanted) {
        return wanted.stream()
                .map(expert -> {
                    if (expert instanceof ResidentExpert resident && resident.residentIn(pools)) {
                        return resident;
                    }
                    throw new IllegalArgumentException("the expert " + expert.digest() + " is not resident");
                })
                .toList();
    }

    @Override
    public List<StepOutput> step(List<Feed> feeds) {
        lock.lock();
        try {
            requireOpen();
            checkFeeds.check(feeds);
            return calls.run(feeds);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public float[] inputs(Sequence sequence, ProbePoint point, int first, int tokens) {
        return locked(() -> keptInputs.read(kept(sequence, first, tokens), point, first, tokens));
    }

    @Override
    public EvidenceMatrices openEvidence(List<PointBaseline> baselines) {
        return locked(() -> {
            keptInputs.check(baselines);
            return new TorchEvidence(this, program, nextEvidence(), baselines, DecoderProgram.elementBytes(settings));
        });
    }

    /** A number for evidence in the program. Under the lock. */
    long nextEvidence() {
        return nextEvidence++;
    }

    /** @throws IllegalStateException if the decoder is closed */
    <T> T locked(Supplier<T> action) {
        lock.lock();
        try {
            requireOpen();
            return action.get();
        } finally {
            lock.unlock();
        }
    }

    /** Does nothing if the decoder is closed: the program is gone with all that it held. */
    void lockedUnlessClosed(Runnable action) {
        lock.lock();
        try {
            if (!closed) {
                action.run();
            }
        } finally {
            lock.unlock();
        }
    }

    /** The sequence, if it is one of this decoder's with these tokens. */
    TorchSequence kept(Sequence sequence, int first, int tokens) {
        if (!(sequence instanceof TorchSequence known) || !known.belongsTo(this) || known.closed()) {
            throw new IllegalArgumentException("the sequence is closed or of another decoder");
        }
        if (first < 0 || tokens < 1 || first > known.length() - tokens) {
            throw new IllegalArgumentException(
                    tokens + " tokens from token " + first + " on are not in a sequence of " + known.length());
        }
        return known;
    }

    @Override
    public long cacheBytes() {
        lock.lock();
        try {
            return sequences.stream().mapToLong(TorchSequence::cacheBytes).sum();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long cacheBytes(int tokens, List<ProbePoint> probed) {
        return (positionBytes() + keptInputs.positionBytes(probed)) * tokens;
    }

    /** Bytes of the base model's weights as they are held. */
    public long weightBytes() {
        lock.lock();
        try {
            requireOpen();
            float[] parts = program.run("weight_bytes").get(0).values();
            return ((long) parts[0] << 20) + (long) parts[1];
        } finally {
            lock.unlock();
        }
    }

    /** Bytes of one position's keys and values in all layers. */
    private long positionBytes() {
        return 2L * config.layers() * config.kvHeads() * config.headDim() * DecoderProgram.elementBytes(settings);
    }

    void close(TorchSequence sequence) {
        lock.lock();
        try {
            if (sequence.closed()) {
                return;
            }
            sequence.markClosed();
            sequences.remove(sequence);
            if (!closed) {
                program.run("forget", sequence.id());
                keptInputs.close(sequence);
                if (kernels) {
                    program.run("leave", sequence.id());
                }
                giveBackTable(sequence);
            }
        } finally {
            lock.unlock();
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the decoder is closed");
        }
    }

    /** Frees the model, the experts and all sequences. */
    @Override
    public void close() {
        loading.lock();
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                sequences.forEach(TorchSequence::markClosed);
                sequences.clear();
                program.close();
            }
        } finally {
            lock.unlock();
            loading.unlock();
        }
    }
}
