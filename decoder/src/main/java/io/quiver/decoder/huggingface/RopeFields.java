package io.quiver.decoder.huggingface;

import io.quiver.decoder.Architecture.Rope;
import io.quiver.decoder.UnsupportedModelException;

/**
 * The rotary embedding in config.json, in the form of released checkpoints ({@code rope_theta}, {@code rope_scaling}) or of
 * transformers 5 ({@code rope_parameters}, which may hold one object for each kind of layer).
 */
final class RopeFields {
    private static final double THETA = 10_000;

    private final ConfigFields root;
    private final int headDim;
    private final double partial;
    private final boolean mayBePartial;

    /**
     * @param partial what a missing {@code partial_rotary_factor} means
     * @param mayBePartial whether another factor is allowed: transformers overlooks it in the other families
     */
    RopeFields(ConfigFields root, int headDim, double partial, boolean mayBePartial) {
        this.root = root;
        this.headDim = headDim;
        this.partial = partial;
        this.mayBePartial = mayBePartial;
    }

    /** As transformers reads it: {@code rope_scaling} before {@code rope_parameters}, what they lack from the root. */
    Rope ofAllLayers() {
        ConfigFields scaling = root.object("rope_scaling");
        if (scaling.isEmpty()) {
            scaling = root.object("rope_parameters");
        }
        for (String nested : new String[] {"full_attention", "sliding_attention"}) {
            scaling.refuseIfPresent(nested);
        }
        return rope(scaling, scaling.positive("rope_theta", root.positive("rope_theta", THETA)));
    }

    /** The rotary embedding of the layers that see every token, where the others have their own. */
    Rope ofFullLayers(double missingTheta) {
        ConfigFields own = nested("full_attention");
        double theta = own.positive("rope_theta", root.positive("rope_theta", missingTheta));
        ConfigFields scaling = root.object("rope_scaling");
        return rope(scaling.isEmpty() ? own : scaling, scaling.positive("rope_theta", theta));
    }

    /** The rotary embedding of sliding layers, where they have their own. */
    Rope ofSlidingLayers(double missingTheta) {
        ConfigFields own = nested("sliding_attention");
        return rope(own, own.positive("rope_theta", root.positive("rope_local_base_freq", missingTheta)));
    }

    private ConfigFields nested(String layers) {
        ConfigFields parameters = root.object("rope_parameters");
        if (!parameters.isEmpty() && parameters.absent("full_attention") && parameters.absent("sliding_attention")) {
            throw new UnsupportedModelException(
                    "rope_parameters", "has neither full_attention nor sliding_attention, whose layers differ");
        }
        return parameters.object(layers);
    }

    private int dims(ConfigFields scaling) {
        String field = "partial_rotary_factor";
        double factor = scaling.positive(field, root.positive(field, partial));
        int dims = (int) (headDim * factor);
        if (factor > 1 || (factor != 1 && !mayBePartial)) {
            throw new UnsupportedModelException(field, "is " + factor + ", only 1 is supported");
        }
        if (dims < 2 || dims % 2 != 0) {
            throw new UnsupportedModelException(
                    dims == headDim ? "head_dim" : field,
                    "rotary embedding needs pairs, not " + dims + " of " + headDim + " components");
        }
        return dims;
    }

    private Rope rope(ConfigFields scaling, double base) {
        int dims = dims(scaling);
        double[] frequencies = new double[dims / 2]; // (dims / 2)
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(base, -2.0 * i / dims);
        }
        String type = scaling.text("rope_type", scaling.text("type", "default"));
        switch (type) {
            case "default" -> {}
            case "linear" -> {
                double factor = scaling.positive("factor");
                for (int i = 0; i < frequencies.length; i++) {
                    frequencies[i] /= factor;
                }
            }
            case "llama3" -> scaleAsLlama3(frequencies, scaling);
            default ->
                throw new UnsupportedModelException(
                        "rope_type", "'" + type + "' is not one of default, linear, llama3");
        }
        return new Rope(frequencies);
    }

    /**
     * Slows down long waves by a factor, leaves short ones, and blends in between. Source: Llama 3.1's reference code,
     * {@code apply_scaling}.
     */
    private void scaleAsLlama3(double[] frequencies, ConfigFields scaling) {
        double factor = scaling.positive("factor");
        double low = scaling.positive("low_freq_factor");
        double high = scaling.positive("high_freq_factor");
        String original = "original_max_position_embeddings";
        double context = scaling.absent(original)
                ? root.size("max_position_embeddings", ConfigFields.CONTEXT_TOKENS_MAX)
                : scaling.positive(original);
        if (high <= low) {
            throw new UnsupportedModelException("high_freq_factor", "must be above low_freq_factor");
        }
        for (int i = 0; i < frequencies.length; i++) {
            double turns = context * frequencies[i] / (2 * Math.PI);
            double keep = Math.min(1, Math.max(0, (turns - low) / (high - low)));
            frequencies[i] = (1 - keep) * frequencies[i] / factor + keep * frequencies[i];
        }
    }
}
