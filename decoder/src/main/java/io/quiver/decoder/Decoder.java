package io.quiver.decoder;

import io.quiver.lora.arrow.ModulePrototype;
import io.quiver.lora.evidence.PointBaseline;
import io.quiver.lora.evidence.ProbePoint;
import io.quiver.lora.peft.LoraUpdates;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A base model ready to decode, with pools of resident experts. One thread drives {@link #step}; the others may be called
 * from any thread and take effect between steps.
 */
public interface Decoder extends AutoCloseable {
    ModelConfig config();

    /**
     * Makes an expert resident, or finds it resident under its digest.
     *
     * @param digest {@code sha256:…} of the adapter
     * @param adapterFolder holds adapter_config.json and adapter_model.safetensors, already validated
     * @param prototypes by module path; a module without one cannot be chosen by Arrow
     * @throws IllegalArgumentException if the adapter does not fit the model
     * @throws IOException if its files cannot be read
     */
    Expert load(String digest, Path adapterFolder, Map<String, ModulePrototype> prototypes) throws IOException;

    /**
     * Makes an expert resident whose updates are stored nowhere, such as a merge of several adapters.
     *
     * @param digest {@code sha256:…} that stands for what the updates were computed from and how
     * @param prototypes by module path; a module without one cannot be chosen by a gate
     * @throws IllegalArgumentException if the updates do not fit the model
     * @throws IOException if they cannot be read
     */
    Expert load(String digest, LoraUpdates updates, Map<String, ModulePrototype> prototypes) throws IOException;

    /**
     * Frees an expert's slot. Evicting twice does nothing.
     *
     * @throws IllegalStateException if an open sequence uses the expert
     */
    void evict(Expert expert);

    /**
     * Opens a sequence without tokens.
     *
     * @throws IllegalArgumentException if an expert of the routing is not resident here
     */
    default Sequence open(Routing routing) {
        return open(routing, config().contextTokensMax());
    }

    /**
     * Opens a sequence without tokens that will hold a bounded number of them.
     *
     * @param tokensMax so many at most; its memory never exceeds {@link #cacheBytes(int)} of that
     * @throws IllegalArgumentException if an expert of the routing is not resident here, or the model's context is smaller
     */
    default Sequence open(Routing routing, int tokensMax) {
        return open(routing, tokensMax, List.of());
    }

    /**
     * Opens a sequence without tokens that keeps, for every token, what the linear modules at some points read. Its steps are
     * TorchScript, of however few tokens.
     *
     * @param tokensMax so many at most; its memory never exceeds {@link #cacheBytes(int, List)} of that
     * @throws IllegalArgumentException as {@link #open(Routing, int)} does, or if the model has not such a layer or a point is
     *     named twice
     */
    Sequence open(Routing routing, int tokensMax, List<ProbePoint> probed);

    /**
     * Opens a sequence that begins with a copy of the first tokens of another one, which may be frozen, with its routing and the
     * inputs that it keeps.
     *
     * @param tokens how many
     * @throws IllegalArgumentException if the other is closed or has fewer tokens, or as {@link #open(Routing, int)} does
     */
    default Sequence fork(Sequence source, int tokens, int tokensMax) {
        return fork(source, tokens, tokensMax, source.probed());
    }

    /**
     * The same for one that keeps the inputs of fewer points, or of none.
     *
     * @throws IllegalArgumentException as {@link #fork(Sequence, int, int)} does, or if the other does not keep the inputs of a point
     */
    Sequence fork(Sequence source, int tokens, int tokensMax, List<ProbePoint> probed);

    /**
     * What the linear modules of a point read, in the precision of the base.
     *
     * @param first token that is wanted
     * @param tokens how many
     * @return row-major // (tokens, in)
     * @throws IllegalArgumentException if the sequence is closed, has fewer tokens, or does not keep the inputs of that point
     */
    float[] inputs(Sequence sequence, ProbePoint point, int first, int tokens);

    /**
     * Feeds tokens to sequences and returns, in the same order, what follows. One feed with many tokens is a prefill,
     * many feeds with one token each are a batched decode step; sequences in one call may have different routings.
     *
     * @throws IllegalArgumentException if a sequence would outgrow the tokens that it was opened for, is closed, frozen or
     *     fed twice in one call, or if a token is not in the vocabulary; nothing is fed then
     */
    List<StepOutput> step(List<Feed> feeds);

    /**
     * Makes resident what the evidence gate compares requests with. One for each base calibration in use.
     *
     * @throws IllegalArgumentException if the model has not such a point, or inputs of another width there
     */
    EvidenceMatrices openEvidence(List<PointBaseline> baselines);

    /** Bytes of keys, values and kept inputs now held by open sequences. */
    long cacheBytes();

    /** Bytes of keys and values of a sequence with that many tokens. */
    default long cacheBytes(int tokens) {
        return cacheBytes(tokens, List.of());
    }

    /** Bytes of keys, values and kept inputs of a sequence with that many tokens. */
    long cacheBytes(int tokens, List<ProbePoint> probed);

    @Override
    void close();

    /**
     * Tokens for one sequence.
     *
     * @param tokens what to append // (tokens)
     * @param everyToken whether the logits after every token are wanted, not only those after the last
     */
    record Feed(Sequence sequence, int[] tokens, boolean everyToken) {
        public Feed {
            if (tokens.length == 0) {
                throw new IllegalArgumentException("a feed has at least one token");
            }
        }

        public Feed(Sequence sequence, int[] tokens) {
            this(sequence, tokens, false);
        }
    }

    /**
     * What one feed led to.
     *
     * @param logitsByToken of the token after each token fed, or only after the last one // (tokens or 1, vocabulary)
     * @param trace what each adapted module decided for each token fed; empty unless the routing asks for it
     * @param shares of the last token fed: the mean of each expert's coefficient over the modules where some expert can be
     *     chosen; empty unless the routing asks for it // (experts)
     */
    record StepOutput(float[][] logitsByToken, List<ModuleTrace> trace, float[] shares) {
        /** Logits of the token after the last one fed. */
        public float[] logits() { // (vocabulary)
            return logitsByToken[logitsByToken.length - 1];
        }
    }

    /**
     * The decisions of one module for the tokens of one feed. Experts are in the order of the routing.
     *
     * @param module path
     * @param scores |x·p|, -1 where the expert lacks the module // (tokens, experts)
     * @param coefficients w, 0 where not chosen // (tokens, experts)
     */
    record ModuleTrace(String module, float[][] scores, float[][] coefficients) {}
}
