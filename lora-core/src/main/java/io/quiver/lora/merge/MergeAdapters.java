package io.quiver.lora.merge;

import io.quiver.lora.peft.LoraModule;
import io.quiver.lora.peft.LoraUpdates;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Merges adapters into one, as PEFT's {@code add_weighted_adapter} does: per module, over the adapters that have it.
 *
 * <pre>
 *   v = weight · scaling
 *   A = f(Aₑ, sign(v)√|v|), B = f(Bₑ, √|v|)      A and B apart: B·A has cross terms BᵢAⱼ
 *   f of linear      Σ uₑ θₑ
 *   magnitude_prune  Σ uₑ top(θₑ)          top keeps the ⌊density · entries⌋ of largest magnitude of each tensor
 *   ties             Σ uₑ top(θₑ) / count  over the entries whose sign is the elected one; an elected sum of 0 is positive
 *   dare_linear      Σ uₑ drop(θₑ)         drop keeps each entry with probability density and divides it by density
 *   dare_ties        as ties, of drop(θₑ)
 * </pre>
 *
 * The result's scaling is 1; where PEFT copies rsLoRA from the first adapter and so multiplies by √rank, this does not. One adapter
 * alone is merged linearly, whatever the method. What is dropped is drawn as torch draws it after {@code manual_seed(seed)}
 * (PEFT draws the initial weights of the new adapter first), for A then B of each module, adapter by adapter, modules in the order in which models hold them.
 */
public final class MergeAdapters {
    /** Where modules stand within a layer; the order of what is drawn. */
    private static final List<String> ORDER = List.of(
            "q_proj",
            "k_proj",
            "v_proj",
            "o_proj",
            "qkv_proj",
            "dense",
            "gate_proj",
            "up_proj",
            "gate_up_proj",
            "down_proj",
            "fc1",
            "fc2");

    private final Merge merge;
    private final MergeMethod method;
    private final MersenneTwister random;

    private MergeAdapters(Merge merge, MergeMethod method) {
        this.merge = merge;
        this.method = method;
        this.random = new MersenneTwister(merge.seed());
    }

    /**
     * Merges.
     *
     * @param adapters in the order of the weights; at least one
     * @throws IncompatibleAdaptersException if shapes differ, or ranks
     * @throws IOException if an adapter cannot be read
     */
    public static LoraUpdates merge(List<? extends LoraUpdates> adapters, Merge merge) throws IOException {
        if (adapters.size() != merge.weights().size()) {
            throw new IllegalArgumentException(
                    adapters.size() + " adapters but " + merge.weights().size() + " weights");
        }
        return new MergeAdapters(merge, adapters.size() == 1 ? MergeMethod.LINEAR : merge.method()).run(adapters);
    }

    /** One adapter's part in a module. */
    private record Part(LoraModule module, float[] a, float[] b, double weight) {}

    private LoraUpdates run(List<? extends LoraUpdates> adapters) throws IOException {
        TreeMap<String, List<Integer>> having = new TreeMap<>(inModelOrder());
        for (int e = 0; e < adapters.size(); e++) {
            for (LoraModule module : adapters.get(e).modules()) {
                having.computeIfAbsent(module.path(), unused -> new ArrayList<>())
                        .add(e);
            }
        }
        // Before anything is computed, so that the first of several mistakes is always the same one.
        having.forEach((path, numbers) -> requireEqual(
                numbers.stream().map(e -> module(adapters.get(e), path)).toList()));
        // What is drawn follows one order; everything else is computed side by side.
        Stream<Map.Entry<String, List<Integer>>> modules = having.entrySet().stream();
        DerivedUpdates merged = new DerivedUpdates();
        try {
            (method.draws() ? modules : modules.parallel())
                    .map(entry -> mix(adapters, entry.getKey(), entry.getValue()))
                    .toList()
                    .forEach(mixed -> merged.add(mixed.like(), mixed.like().rank(), 1, mixed.a(), mixed.b()));
        } catch (UncheckedIOException e) {
            throw new IOException(e.getMessage(), e);
        }
        return merged;
    }

    /** A merged module, of the sizes and the rank of another. */
    private record Mixed(LoraModule like, float[] a, float[] b) {}

    private Mixed mix(List<? extends LoraUpdates> adapters, String path, List<Integer> having) {
        List<Part> parts = new ArrayList<>();
        try {
            for (int e : having) {
                LoraModule module = module(adapters.get(e), path);
                parts.add(new Part(
                        module,
                        adapters.get(e).a(module),
                        adapters.get(e).b(module),
                        merge.weights().get(e) * module.scaling()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return mix(parts);
    }

    private void requireEqual(List<LoraModule> modules) {
        LoraModule first = modules.get(0);
        for (LoraModule module : modules) {
            if (module.in() != first.in() || module.out() != first.out()) {
                throw new IncompatibleAdaptersException(
                        "module " + first.path() + " has other sizes in another adapter");
            }
            if (module.rank() != first.rank()) {
                throw new IncompatibleAdaptersException("merge " + method.word() + " needs equal ranks, but module "
                        + first.path() + " has rank " + first.rank() + " in one adapter and " + module.rank()
                        + " in another");
            }
        }
    }

    private static LoraModule module(LoraUpdates adapter, String path) {
        return adapter.modules().stream()
                .filter(module -> module.path().equals(path))
                .findFirst()
                .orElseThrow();
    }

    /** Layer by layer, and in a layer as {@link #ORDER} has it. */
    private static Comparator<String> inModelOrder() {
        return Comparator.comparingInt(MergeAdapters::layer)
                .thenComparingInt(path -> ORDER.indexOf(path.substring(path.lastIndexOf('.') + 1)))
                .thenComparing(Comparator.naturalOrder());
    }

    /** The first number in a path. */
    private static int layer(String path) {
        for (String segment : path.split("\\.", -1)) {
            if (!segment.isEmpty() && segment.length() < 9 && segment.chars().allMatch(Character::isDigit)) {
                return Integer.parseInt(segment);
            }
        }
        return -1;
    }

    private Mixed mix(List<Part> parts) {
        LoraModule first = parts.get(0).module();
        float[] weightsA = new float[parts.size()];
        float[] weightsB = new float[parts.size()];
        for (int e = 0; e < parts.size(); e++) {
            double weight = parts.get(e).weight();
            weightsB[e] = (float) Math.sqrt(Math.abs(weight));
            weightsA[e] = weight < 0 ? -weightsB[e] : weightsB[e];
        }
        float[] a = mixed(parts.stream().map(Part::a).toList(), weightsA);
        float[] b = mixed(parts.stream().map(Part::b).toList(), weightsB);
        return new Mixed(first, a, b);
    }

    /**
     * f of the formulas above, in single precision.
     *
     * @param tensors one per adapter, of one length
     */
    private float[] mixed(List<float[]> tensors, float[] weights) { // (adapters) of (entries), (adapters) -> (entries)
        List<float[]> kept = new ArrayList<>();
        for (float[] tensor : tensors) {
            if (merge.density() >= 1 || !method.prunes()) {
                kept.add(tensor);
            } else {
                kept.add(method.draws() ? dropped(tensor) : largest(tensor));
            }
        }
        float[] mixed = new float[tensors.get(0).length];
        for (int i = 0; i < mixed.length; i++) {
            mixed[i] = method.elects() ? elected(kept, weights, i) : sum(kept, weights, i);
        }
        return mixed;
    }

    private static float sum(List<float[]> tensors, float[] weights, int i) {
        float sum = 0;
        for (int e = 0; e < weights.length; e++) {
            sum += weights[e] * tensors.get(e)[i];
        }
        return sum;
    }

    private float elected(List<float[]> tensors, float[] weights, int i) {
        float votes = 0;
        for (float[] tensor : tensors) {
            votes += merge.election() == Merge.Election.TOTAL ? tensor[i] : Math.signum(tensor[i]);
        }
        float sign = votes >= 0 ? 1 : -1;
        float sum = 0;
        int count = 0;
        for (int e = 0; e < weights.length; e++) {
            if (Math.signum(tensors.get(e)[i]) == sign) {
                sum += weights[e] * tensors.get(e)[i];
                count++;
            }
        }
        return sum / Math.max(count, 1);
    }

    /** Zero but for the entries of largest magnitude; of equal ones those that come first stay. */
    private float[] largest(float[] tensor) { // (entries) -> (entries)
        int count = (int) (merge.density() * tensor.length);
        float[] magnitudes = new float[tensor.length];
        for (int i = 0; i < tensor.length; i++) {
            magnitudes[i] = Math.abs(tensor[i]);
        }
        float[] sorted = magnitudes.clone();
        Arrays.sort(sorted);
        float[] kept = new float[tensor.length];
        if (count == 0) {
            return kept;
        }
        float least = sorted[sorted.length - count];
        int ofLeast = count;
        for (float magnitude : magnitudes) {
            ofLeast -= magnitude > least ? 1 : 0;
        }
        for (int i = 0; i < tensor.length; i++) {
            if (magnitudes[i] > least || (magnitudes[i] == least && ofLeast-- > 0)) {
                kept[i] = tensor[i];
            }
        }
        return kept;
    }

    private float[] dropped(float[] tensor) { // (entries) -> (entries)
        float density = (float) merge.density();
        float[] kept = new float[tensor.length];
        for (int i = 0; i < tensor.length; i++) {
            kept[i] = random.uniform() < density ? tensor[i] / density : 0;
        }
        return kept;
    }
}
