package io.quiver.decoder.huggingface;

import io.quiver.decoder.Architecture;
import io.quiver.decoder.Architecture.Activation;
import io.quiver.decoder.Architecture.Biases;
import io.quiver.decoder.Architecture.Layer;
import io.quiver.decoder.Architecture.Norm;
import io.quiver.decoder.Architecture.Rope;
import io.quiver.decoder.UnsupportedModelException;
import io.quiver.decoder.huggingface.Family.Trait;
import io.quiver.decoder.huggingface.Family.Windows;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Reads what a model computes: its family's traits, and the fields of config.json that count in that family. */
record ArchitectureFields(ConfigFields fields, Family family) {
    private static final double ROPE_THETA_FULL = 1_000_000;
    private static final double ROPE_THETA_SLIDING = 10_000;
    private static final int WINDOW_MISSING = 4096;
    private static final String SLIDING = "sliding_attention";
    private static final String FULL = "full_attention";
    private static final String WINDOW = "sliding_window";

    /** @throws UnsupportedModelException naming the first field that is not supported */
    Architecture read(int hidden, int headDim, int layers) {
        boolean gemma = family.has(Trait.GEMMA);
        refuseWhatNothingReads();
        boolean centred = family.has(Trait.LAYER_NORM);
        double scalar = gemma ? fields.positive("query_pre_attn_scalar", 256) : headDim;
        return new Architecture(
                new Norm(
                        centred,
                        fields.positive(centred ? "layer_norm_eps" : "rms_norm_eps", family.eps()),
                        gemma ? 1 : 0),
                family.has(Trait.PARALLEL_BLOCK),
                gemma,
                family.has(Trait.HEAD_NORMS),
                biases(),
                activation(gemma ? "hidden_activation" : "hidden_act"),
                !family.has(Trait.UNGATED),
                1 / Math.sqrt(scalar),
                cap("attn_logit_softcapping", 50),
                cap("final_logit_softcapping", 30),
                gemma ? Math.sqrt(hidden) : 1,
                ropes(headDim),
                layers(layers));
    }

    /** Fields that a family's class in transformers overlooks or that mean something that is not implemented. */
    private void refuseWhatNothingReads() {
        if (!family.has(Trait.ATTENTION_BIAS_FIELD)) {
            fields.refuseIfTrue("attention_bias");
        }
        if (!family.has(Trait.MLP_BIAS_FIELD)) {
            fields.refuseIfTrue("mlp_bias");
        }
        if (!family.has(Trait.SOFT_CAPS)) {
            fields.refuseIfPresent("attn_logit_softcapping");
            if (!family.has(Trait.GEMMA)) {
                fields.refuseIfPresent("final_logit_softcapping");
            }
        }
        fields.refuseIfTrue("qk_layernorm");
        fields.refuseIfTrue("use_bidirectional_attention");
    }

    private Biases biases() {
        boolean all = family.has(Trait.ALL_BIASES);
        boolean attention = all || fields.flag("attention_bias", false);
        boolean mlp = all || fields.flag("mlp_bias", false);
        return new Biases(attention || family.has(Trait.INPUT_BIAS), attention, mlp, all);
    }

    private Activation activation(String field) {
        String name = fields.text(field, family.activation());
        return switch (name) {
            case "silu", "swish" -> Activation.SILU;
            case "gelu_pytorch_tanh", "gelu_new" -> Activation.GELU_TANH;
            case "gelu" -> Activation.GELU;
            default ->
                throw new UnsupportedModelException(
                        field, "is '" + name + "', supported: [silu, swish, gelu_pytorch_tanh, gelu_new, gelu]");
        };
    }

    private double cap(String field, double missing) {
        if (fields.absent(field)) {
            return family.has(Trait.SOFT_CAPS) && !fields.root().has(field) ? missing : 0;
        }
        return fields.positive(field);
    }

    private List<Rope> ropes(int headDim) {
        RopeFields ropes = new RopeFields(fields, headDim, family.partialRotary(), family.has(Trait.PARTIAL_ROTARY));
        return family.has(Trait.LOCAL_ROPE)
                ? List.of(ropes.ofFullLayers(ROPE_THETA_FULL), ropes.ofSlidingLayers(ROPE_THETA_SLIDING))
                : List.of(ropes.ofAllLayers());
    }

    private List<Layer> layers(int layers) {
        int window = window();
        List<String> types = fields.texts("layer_types", types(window), layers);
        List<Layer> all = new ArrayList<>();
        for (int i = 0; i < layers; i++) {
            boolean sliding = types.isEmpty() ? slides(i, window) : types.get(i).equals(SLIDING);
            all.add(new Layer(sliding ? window : 0, sliding && family.has(Trait.LOCAL_ROPE) ? 1 : 0));
        }
        return all;
    }

    /** Tokens of a sliding layer, 0 if there is none. */
    private int window() {
        Windows windows = family.windows();
        if (windows == Windows.NONE) {
            fields.refuseIfPresent(WINDOW);
        }
        boolean used = windows != Windows.LATER_IF_USED || fields.flag("use_sliding_window", false);
        boolean isNull = fields.absent(WINDOW) && fields.root().has(WINDOW);
        boolean inTurn = windows == Windows.TWO_IN_TURN || windows == Windows.PATTERN;
        boolean none = !inTurn && (isNull || (windows == Windows.ALL_IF_GIVEN && fields.absent(WINDOW)));
        if (windows == Windows.NONE || none || !used) {
            return 0;
        }
        // Where layers take turns some slide whatever their window is: null is refused there.
        int max = ConfigFields.CONTEXT_TOKENS_MAX;
        return isNull ? fields.size(WINDOW, max) : fields.size(WINDOW, max, WINDOW_MISSING);
    }

    /** The kinds of layers that may be named. Where all layers are of one kind, transformers overlooks the field. */
    private Set<String> types(int window) {
        boolean oneKind = family.windows() == Windows.ALL_BY_DEFAULT || family.windows() == Windows.ALL_IF_GIVEN;
        return window == 0 ? Set.of(FULL) : oneKind ? Set.of(SLIDING) : Set.of(FULL, SLIDING);
    }

    private boolean slides(int layer, int window) {
        Windows windows = family.windows();
        int max = ConfigFields.SIZE_MAX;
        return window > 0
                && switch (windows) {
                    case NONE -> false;
                    case ALL_BY_DEFAULT, ALL_IF_GIVEN -> true;
                    case LATER_IF_USED -> layer >= firstSliding();
                    case TWO_IN_TURN -> layer % 2 == 0;
                    case PATTERN -> (layer + 1) % fields.size("sliding_window_pattern", max, 6) != 0;
                };
    }

    /** {@code max_window_layers}, which may be 0. */
    private int firstSliding() {
        String field = "max_window_layers";
        return fields.root().path(field).isInt() && fields.root().path(field).intValue() == 0
                ? 0
                : fields.size(field, ConfigFields.SIZE_MAX, 28);
    }
}
