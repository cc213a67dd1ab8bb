package io.quiver.lora.merge;

import io.quiver.lora.peft.LoraModule;
import io.quiver.lora.peft.LoraUpdates;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/**
 * Merges adapters into one, as PEFT's {@code add_weighted_adapter} does: per module, over the adapters that have it.
 *
 * <pre>
 *   v = weight · scaling
 *   cat              A = [v₁A₁; v₂A₂; …], B = [B₁ B₂ …]          B·A = Σ vₑ BₑAₑ, exactly
 *   all others       A = f(Aₑ, sign(v)√|v|), B = f(Bₑ, √|v|)      A and B apart: B·A has cross terms BᵢAⱼ
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
     * @throws IncompatibleAdaptersException if shapes differ, or ranks where the method cannot have that
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
        DerivedUpdates merged = new DerivedUpdates();
        for (var entry : having.entrySet()) {
            List<Part> parts = new ArrayList<>();
            for (int e : entry.getValue()) {
                LoraModule module = module(adapters.get(e), entry.getKey());
                parts.add(new Part(
                        module,
                        adapters.get(e).a(module),
                        adapters.get(e).b(module),
                        merge.weights().get(e) * module.scaling()));
            }
            add(merged, parts);
        }
        return merged;
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

    private void add(DerivedUpdates merged, List<Part> parts) {
        LoraModule first = parts.get(0).module();
        for (Part part : parts) {
            LoraModule module = part.module();
            if (module.in() != first.in() || module.out() != first.out()) {
                throw new IncompatibleAdaptersException(
                        "module " + first.path() + " has other sizes in another adapter");
            }
            if (method != MergeMethod.CAT && module.rank() != first.rank()) {
                throw new IncompatibleAdaptersException("merge " + method.word() + " needs equal ranks, but module "
                        + first.path() + " has rank " + first.rank() + " in one adapter and " + module.rank()
                        + " in another; cat takes any");
            }
        }
        if (method == MergeMethod.CAT) {
            cat(merged, parts);
            return;
        }
        float[] weightsA = new float[parts.size()];
        float[] weightsB = new float[parts.size()];
        for (int e = 0; e < parts.size(); e++) {
            double weight = parts.get(e).weight();
            weightsB[e] = (float) Math.sqrt(Math.abs(weight));
            weightsA[e] = weight < 0 ? -weightsB[e] : weightsB[e];
        }
        float[] a = mixed(parts.stream().map(Part::a).toList(), weightsA);
        float[] b = mixed(parts.stream().map(Part::b).toList(), weightsB);
        merged.add(first, first.rank(), 1, a, b);
    }

    private static void cat(DerivedUpdates merged, List<Part> parts) {
        LoraModule first = parts.get(0).module();
        int rank = parts.stream().mapToInt(part -> part.module().rank()).sum();
        float[] a = new float[rank * first.in()];
        float[] b = new float[first.out() * rank];
        int from = 0;
        for (Part part : parts) {
            int r = part.module().rank();
            for (int i = 0; i < part.a().length; i++) {
                a[from * first.in() + i] = (float) (part.a()[i] * part.weight());
            }
            for (int row = 0; row < first.out(); row++) {
                System.arraycopy(part.b(), row * r, b, row * rank + from, r);
            }
            from += r;
        }
        merged.add(first, rank, 1, a, b);
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
        java.util.Arrays.sort(sorted);
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
