package io.quiver.worker;

import io.quiver.lora.arrow.ComputePrototypes;
import io.quiver.lora.arrow.InvalidPrototypeFileException;
import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.arrow.PrototypeFile;
import io.quiver.lora.arrow.PrototypeResult;
import io.quiver.lora.peft.AdapterLimits;
import io.quiver.lora.peft.InvalidAdapterException;
import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.peft.LoraModule;
import io.quiver.lora.safetensors.InvalidSafetensorsException;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStore.ObjectInfo;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.schemas.PrototypeFileRef;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Computes the prototypes of an uploaded adapter and leaves them in the object store as one file, under a key that follows
 * from the adapter's digest and the algorithm. The same adapter gives the same bytes, whoever computes it and how often.
 * Thread-safe.
 */
public final class ComputeAdapterPrototypes {
    private static final Logger LOG = LoggerFactory.getLogger(ComputeAdapterPrototypes.class);

    /** A file that is already there is only read up to this size; a larger one is not one of ours. */
    private static final long PROTOTYPES_BYTES_MAX = 1L << 30;

    private static final int MODULES_NAMED_MAX = 3;

    private final ObjectStore store;
    private final Path tempDir;
    private final FetchAdapter fetchAdapter;
    private final Clock clock;

    /**
     * @param tempDir where adapters lie while they are worked on, made if absent
     * @param weightsBytesMax the largest file of weights taken
     */
    public ComputeAdapterPrototypes(ObjectStore store, Path tempDir, long weightsBytesMax, Clock clock) {
        this.store = store;
        this.tempDir = tempDir;
        this.fetchAdapter = new FetchAdapter(store, tempDir, weightsBytesMax);
        this.clock = clock;
    }

    /**
     * Computes, or finds that it has been done.
     *
     * @throws io.quiver.objectstore.ObjectStoreException if the store failed; worth trying again
     * @throws UncheckedIOException if the connection or the disk failed; worth trying again
     */
    public PrototypeOutcome compute(AdapterUploaded uploaded) {
        long startMillis = clock.millis();
        ObjectKey target = ObjectKey.prototypes(uploaded.digest().hex(), ComputePrototypes.ALGORITHM);
        try {
            Stored stored = find(target, uploaded.digest());
            if (stored == null) {
                stored = computeAndStore(target, uploaded);
            }
            return new PrototypeOutcome.Computed(stored.file(), stored.moduleCount(), clock.millis() - startMillis);
        } catch (UnusableAdapterException e) {
            return e.toOutcome();
        }
    }

    /** A prototype file in the store. */
    private record Stored(PrototypeFileRef file, int moduleCount) {}

    private Stored computeAndStore(ObjectKey target, AdapterUploaded uploaded) {
        List<ModulePrototype> prototypes;
        try (AdapterFolder folder = fetchAdapter.fetch(uploaded)) {
            prototypes = prototypes(folder.path());
        }
        byte[] content =
                new PrototypeFile(ComputePrototypes.ALGORITHM, uploaded.digest().toString(), prototypes).toBytes();
        store.put(target, new ByteArrayInputStream(content), content.length);
        return stored(target, content, prototypes.size());
    }

    /** At least one. Modules without an update are left out: no router can choose the adapter there. */
    private static List<ModulePrototype> prototypes(Path folder) {
        List<PrototypeResult> results;
        try (LoraAdapter adapter = LoraAdapter.open(folder, AdapterLimits.DEFAULT)) {
            results = adapter.modules().parallelStream()
                    .map(module -> prototype(adapter, module))
                    .toList();
        } catch (InvalidAdapterException | InvalidSafetensorsException e) {
            throw new UnusableAdapterException(FailureCode.UNREADABLE_ADAPTER, String.valueOf(e.getMessage()), null);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the adapter in " + folder + ": " + e.getMessage(), e);
        }
        List<ModulePrototype> prototypes = new ArrayList<>();
        for (PrototypeResult result : results) {
            if (result instanceof PrototypeResult.Computed computed) {
                prototypes.add(computed.prototype());
            }
        }
        if (prototypes.isEmpty()) {
            throw zeroUpdate(results.stream().map(PrototypeResult::module).toList());
        }
        return prototypes;
    }

    private static PrototypeResult prototype(LoraAdapter adapter, LoraModule module) {
        double[] a; // (rank, in)
        double[] b; // (out, rank)
        try {
            a = adapter.aExact(module);
            b = adapter.bExact(module);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read module " + module.path() + ": " + e.getMessage(), e);
        }
        requireFinite(a, "A", module);
        requireFinite(b, "B", module);
        return ComputePrototypes.compute(module, a, b);
    }

    /** @param elements // (elements) */
    private static void requireFinite(double[] elements, String factor, LoraModule module) {
        for (int i = 0; i < elements.length; i++) {
            if (!Double.isFinite(elements[i])) {
                throw new UnusableAdapterException(
                        FailureCode.NOT_FINITE,
                        "element " + i + " of " + factor + " is " + elements[i] + " in module " + module.path(),
                        module.path());
            }
        }
    }

    private static UnusableAdapterException zeroUpdate(List<String> modules) {
        List<String> named = modules.subList(0, Math.min(MODULES_NAMED_MAX, modules.size()));
        String more = modules.size() > named.size() ? " and " + (modules.size() - named.size()) + " more" : "";
        return new UnusableAdapterException(
                FailureCode.ZERO_UPDATE,
                "B·A is zero in every module (" + String.join(", ", named) + more
                        + "): the adapter changes nothing, as if it had never been trained; upload the trained weights",
                modules.size() == 1 ? modules.get(0) : null);
    }

    /** The file that an earlier computation left, if it is one. */
    private @Nullable Stored find(ObjectKey target, Digest adapter) {
        Optional<ObjectInfo> info = store.find(target);
        if (info.isEmpty()) {
            return null;
        }
        if (info.get().sizeBytes() > PROTOTYPES_BYTES_MAX) {
            LOG.warn("{} has {} bytes and is computed again", target, info.get().sizeBytes());
            return null;
        }
        try (AdapterFolder folder = AdapterFolder.in(tempDir);
                InputStream in = store.get(target)) {
            byte[] content = in.readNBytes((int) PROTOTYPES_BYTES_MAX);
            Path copy = Files.write(folder.file("prototypes.safetensors"), content);
            PrototypeFile file = PrototypeFile.read(copy);
            if (!file.algorithm().equals(ComputePrototypes.ALGORITHM)
                    || !file.adapterDigest().equals(adapter.toString())) {
                LOG.warn("{} is of {} by {} and is computed again", target, file.adapterDigest(), file.algorithm());
                return null;
            }
            return stored(target, content, file.prototypes().size());
        } catch (InvalidPrototypeFileException | InvalidSafetensorsException e) {
            LOG.warn("{} is no prototype file and is computed again: {}", target, e.getMessage());
            return null;
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + target + " broke off: " + e.getMessage(), e);
        }
    }

    private static Stored stored(ObjectKey target, byte[] content, int moduleCount) {
        return new Stored(
                new PrototypeFileRef(ComputePrototypes.ALGORITHM, target.value(), Digest.of(content), content.length),
                moduleCount);
    }
}
