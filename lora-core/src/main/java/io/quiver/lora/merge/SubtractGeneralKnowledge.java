package io.quiver.lora.merge;

import io.quiver.lora.peft.LoraModule;
import io.quiver.lora.peft.LoraUpdates;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * An expert without what general adapters know (GenKnowSub, Bagherifard et al. 2025). The stored weights stay as they are.
 *
 * <pre>
 *   factors   A' = A − mean A_g, B' = B − mean B_g, in single precision, scale as before: PEFT's form.
 *             B'A' = BA − B·mean A_g − mean B_g·A + mean B_g·mean A_g, which is not BA less anything that the general
 *             adapters do; their scales count for nothing
 *   updates   ΔW' = sBA − mean s_g B_g A_g, exactly: A' = [A; A_1; …], B' = [sB, −s_1 B_1/G, …], at the sum of the ranks
 * </pre>
 *
 * With factors every general adapter needs every module of the expert at its rank. With updates ranks may differ and a module that
 * a general adapter lacks counts as zero there; a module that the expert lacks stays the base layer.
 */
public final class SubtractGeneralKnowledge {
    private SubtractGeneralKnowledge() {}

    /**
     * Subtracts.
     *
     * @param general at least one
     * @throws IncompatibleAdaptersException if the shapes do not fit together
     * @throws IOException if an adapter cannot be read
     */
    public static LoraUpdates from(LoraUpdates expert, List<? extends LoraUpdates> general, GeneralKnowledge what)
            throws IOException {
        if (general.isEmpty()) {
            throw new IllegalArgumentException("there is no general adapter to subtract");
        }
        DerivedUpdates rest = new DerivedUpdates();
        for (LoraModule module : expert.modules()) {
            if (what == GeneralKnowledge.FACTORS) {
                factors(rest, expert, general, module);
            } else {
                updates(rest, expert, general, module);
            }
        }
        return rest;
    }

    private static void factors(
            DerivedUpdates rest, LoraUpdates expert, List<? extends LoraUpdates> general, LoraModule module)
            throws IOException {
        List<float[]> a = new ArrayList<>();
        List<float[]> b = new ArrayList<>();
        for (LoraUpdates adapter : general) {
            LoraModule same = find(adapter, module)
                    .orElseThrow(() -> new IncompatibleAdaptersException("general knowledge as factors needs module "
                            + module.path() + " in every general adapter; as updates it does not"));
            if (same.rank() != module.rank()) {
                throw new IncompatibleAdaptersException("general knowledge as factors needs equal ranks, but module "
                        + module.path() + " has rank " + module.rank() + " in an expert and " + same.rank()
                        + " in a general adapter; as updates it takes any");
            }
            a.add(adapter.a(same));
            b.add(adapter.b(same));
        }
        rest.add(module, module.rank(), module.scaling(), less(expert.a(module), a), less(expert.b(module), b));
    }

    private static float[] less(float[] tensor, List<float[]> general) { // (entries), (adapters) of (entries)
        float[] rest = new float[tensor.length];
        for (int i = 0; i < rest.length; i++) {
            float sum = 0;
            for (float[] other : general) {
                sum += other[i];
            }
            rest[i] = tensor[i] - sum / general.size();
        }
        return rest;
    }

    private static void updates(
            DerivedUpdates rest, LoraUpdates expert, List<? extends LoraUpdates> general, LoraModule module)
            throws IOException {
        List<LoraModule> modules = new ArrayList<>(List.of(module));
        List<LoraUpdates> owners = new ArrayList<>(List.of(expert));
        for (LoraUpdates adapter : general) {
            Optional<LoraModule> same = find(adapter, module);
            if (same.isPresent()) {
                modules.add(same.get());
                owners.add(adapter);
            }
        }
        int rank = modules.stream().mapToInt(LoraModule::rank).sum();
        float[] a = new float[rank * module.in()];
        float[] b = new float[module.out() * rank];
        int from = 0;
        for (int i = 0; i < modules.size(); i++) {
            LoraModule part = modules.get(i);
            double scale = i == 0 ? part.scaling() : -part.scaling() / general.size();
            System.arraycopy(owners.get(i).a(part), 0, a, from * module.in(), part.rank() * module.in());
            float[] factor = owners.get(i).b(part);
            for (int row = 0; row < module.out(); row++) {
                for (int r = 0; r < part.rank(); r++) {
                    b[row * rank + from + r] = (float) (scale * factor[row * part.rank() + r]);
                }
            }
            from += part.rank();
        }
        rest.add(module, rank, 1, a, b);
    }

    private static Optional<LoraModule> find(LoraUpdates adapter, LoraModule module) {
        Optional<LoraModule> found = adapter.modules().stream()
                .filter(candidate -> candidate.path().equals(module.path()))
                .findFirst();
        if (found.isPresent() && (found.get().in() != module.in() || found.get().out() != module.out())) {
            throw new IncompatibleAdaptersException(
                    "module " + module.path() + " has other sizes in a general adapter than in an expert");
        }
        return found;
    }
}
