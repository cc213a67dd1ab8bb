package io.quiver.lora.evidence;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A place in a layer whose inputs are looked at. Ordered as the model computes them.
 *
 * @param layer from 0
 */
public record ProbePoint(int layer, InputPlace place) implements Comparable<ProbePoint> {
    private static final Comparator<ProbePoint> ORDER =
            Comparator.comparingInt(ProbePoint::layer).thenComparing(ProbePoint::place);
    private static final Pattern NAME = Pattern.compile("layers\\.(0|[1-9][0-9]{0,5})\\.([a-z_]+)");
    private static final Pattern MODULE = Pattern.compile("(?:.+\\.)?layers\\.(0|[1-9][0-9]{0,5})\\.([^.]+\\.[^.]+)");

    public ProbePoint {
        if (layer < 0 || layer > 999_999) {
            throw new IllegalArgumentException("a layer's number is 0 to 999999, not " + layer);
        }
    }

    /** Such as {@code layers.29.attention_in}. */
    public String name() {
        return "layers." + layer + "." + place.word();
    }

    /**
     * The point of that name.
     *
     * @throws IllegalArgumentException if it names none
     */
    public static ProbePoint named(String name) {
        Matcher matcher = NAME.matcher(name);
        if (matcher.matches()) {
            Optional<InputPlace> place = InputPlace.named(matcher.group(2));
            if (place.isPresent()) {
                return new ProbePoint(Integer.parseInt(matcher.group(1)), place.get());
            }
        }
        throw new IllegalArgumentException("'" + name + "' is no name of a probed point");
    }

    /** The point that a module reads, by its path such as {@code model.layers.29.self_attn.q_proj}; empty if it reads none. */
    public static Optional<ProbePoint> readBy(String modulePath) {
        Matcher matcher = MODULE.matcher(modulePath);
        return matcher.matches()
                ? InputPlace.readBy(matcher.group(2))
                        .map(place -> new ProbePoint(Integer.parseInt(matcher.group(1)), place))
                : Optional.empty();
    }

    @Override
    public int compareTo(ProbePoint other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return name();
    }
}
