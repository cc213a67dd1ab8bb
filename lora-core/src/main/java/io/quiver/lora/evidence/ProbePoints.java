package io.quiver.lora.evidence;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Which inputs of a model are looked at. */
public final class ProbePoints {
    /** Layers from one probed layer to the next, counted back from the last, in models that are deep enough. */
    private static final int STRIDE_MAX = 5;

    /** How many layers should be looked at where there are so many: the last one alone chooses much worse. */
    private static final int LAYERS_WANTED = 6;

    /** Where most adapters have something, and what tells them apart best. */
    private static final Set<InputPlace> USUAL = EnumSet.of(InputPlace.ATTENTION_IN, InputPlace.MLP_IN);

    private ProbePoints() {}

    /**
     * Every fifth layer counted back from the last, in ascending order: 4, 9, …, 29 of 30. Models with fewer layers are looked at
     * more closely: every fourth of 24, every second of 12, all of six or fewer.
     */
    public static List<Integer> layers(int modelLayers) {
        if (modelLayers < 1) {
            throw new IllegalArgumentException("a model has at least one layer, not " + modelLayers);
        }
        int stride = Math.min(STRIDE_MAX, (modelLayers + LAYERS_WANTED - 1) / LAYERS_WANTED);
        List<Integer> layers = new ArrayList<>();
        for (int layer = (modelLayers - 1) % stride; layer < modelLayers; layer += stride) {
            layers.add(layer);
        }
        return layers;
    }

    /** The points at which adapters are measured if they have anything there: attention_in and mlp_in. In order. */
    public static List<ProbePoint> usual(int modelLayers) {
        return of(modelLayers, USUAL);
    }

    /** All points of the probed layers: at these the base is calibrated. In order. */
    public static List<ProbePoint> all(int modelLayers) {
        return of(modelLayers, EnumSet.allOf(InputPlace.class));
    }

    private static List<ProbePoint> of(int modelLayers, Set<InputPlace> places) {
        return layers(modelLayers).stream()
                .flatMap(layer -> places.stream().map(place -> new ProbePoint(layer, place)))
                .toList();
    }

    /**
     * The points at which an adapter is measured: the calibrated ones that its modules read, of the usual places; if it has
     * nothing there, of the other places. In order; empty if its modules read no calibrated point.
     *
     * @param modulePaths of the adapter
     */
    public static List<ProbePoint> of(Collection<String> modulePaths, Collection<ProbePoint> calibrated) {
        TreeSet<ProbePoint> read = new TreeSet<>();
        modulePaths.forEach(path -> ProbePoint.readBy(path).ifPresent(read::add));
        read.retainAll(Set.copyOf(calibrated));
        List<ProbePoint> usual =
                read.stream().filter(point -> USUAL.contains(point.place())).toList();
        return usual.isEmpty() ? List.copyOf(read) : usual;
    }

    /**
     * The points at which examples are compared: attention_in of the last four probed layers, in order. Not of the first layer,
     * which reads embeddings: the last token of a prompt is the same in every one.
     */
    public static List<ProbePoint> forExamples(Collection<ProbePoint> calibrated) {
        List<ProbePoint> points = calibrated.stream()
                .filter(point -> point.place() == InputPlace.ATTENTION_IN && point.layer() > 0)
                .sorted()
                .toList();
        return points.subList(Math.max(0, points.size() - 4), points.size());
    }
}
