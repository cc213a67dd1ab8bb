package io.quiver.cli.verify;

import io.quiver.decoder.Decoder;
import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Decoder.ModuleTrace;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.Routing;
import io.quiver.decoder.Sequence;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Runs prompts through a decoder and notes how far the results are from the references. Used by one thread. */
final class RunPrompts {
    private final Decoder decoder;
    private final Findings findings;

    RunPrompts(Decoder decoder, Findings findings) {
        this.decoder = decoder;
        this.findings = findings;
    }

    /** Compares logits and greedy continuations, as far as there are any. */
    void compare(Routing routing, List<ReferencePrompt> prompts, ReferenceTensors expected) throws IOException {
        for (ReferencePrompt prompt : prompts) {
            Optional<double[][]> logits =
                    expected.logits(prompt.ids().length, decoder.config().vocabulary());
            if (logits.isPresent()) {
                compareLogits(routing, prompt, logits.get());
            } else if (prompt.greedy().length == 0) {
                findings.equal("prompts", false, 0, "there is nothing to compare with for " + prompt.label());
            }
        }
        greedy(
                routing,
                prompts.stream().filter(prompt -> prompt.greedy().length > 0).toList());
    }

    /** Feeds a prompt at once and then token by token: both must give the reference's logits after every token. */
    private void compareLogits(Routing routing, ReferencePrompt prompt, double[][] expected) {
        try (Sequence atOnce = decoder.open(routing);
                Sequence oneByOne = decoder.open(routing)) {
            float[][] prefill = step(new Feed(atOnce, prompt.ids(), true)).logitsByToken();
            findings.equal(
                    "rows of logits",
                    prefill.length == expected.length,
                    prefill.length,
                    prefill.length + " rows, expected " + expected.length);
            for (int i = 0; i < Math.min(prefill.length, expected.length); i++) {
                compareRow(prefill[i], expected[i], prompt, i, "");
                float[] alone =
                        step(new Feed(oneByOne, new int[] {prompt.ids()[i]})).logits();
                compareRow(alone, expected[i], prompt, i, ", fed one by one");
            }
        }
    }

    private void compareRow(float[] found, double[] expected, ReferencePrompt prompt, int token, String how) {
        double largest = found.length == expected.length ? 0 : Double.POSITIVE_INFINITY;
        for (int i = 0; i < Math.min(found.length, expected.length); i++) {
            double error = Math.abs(found[i] - expected[i]);
            largest = Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(largest, error);
        }
        findings.near("logits", largest, Tolerance.LOGITS, "token " + token + " of " + prompt.label() + how);
    }

    /** Continues all prompts in one batch. */
    private void greedy(Routing routing, List<ReferencePrompt> prompts) {
        List<Sequence> sequences = new ArrayList<>();
        try {
            List<Feed> feeds = new ArrayList<>();
            List<Running> running = new ArrayList<>();
            for (ReferencePrompt prompt : prompts) {
                Sequence sequence = decoder.open(routing);
                sequences.add(sequence);
                running.add(new Running(prompt, sequence));
                feeds.add(new Feed(sequence, prompt.ids()));
            }
            for (int position = 0; !running.isEmpty(); position++) {
                running = advance(running, decoder.step(feeds), position);
                feeds = new ArrayList<>();
                for (Running one : running) {
                    feeds.add(new Feed(one.sequence, new int[] {one.prompt.greedy()[position]}));
                }
            }
        } finally {
            sequences.forEach(Sequence::close);
        }
    }

    private record Running(ReferencePrompt prompt, Sequence sequence) {}

    /** Compares the likeliest token of each sequence; returns those that go on. */
    private List<Running> advance(List<Running> running, List<StepOutput> outputs, int position) {
        List<Running> further = new ArrayList<>();
        for (int i = 0; i < running.size(); i++) {
            int[] greedy = running.get(i).prompt.greedy();
            int found = argmax(outputs.get(i).logits());
            boolean equal = found == greedy[position];
            findings.equal(
                    "greedy tokens",
                    equal,
                    1,
                    "step " + position + " of " + running.get(i).prompt.label() + " is " + found + ", expected "
                            + greedy[position]);
            if (equal && position + 1 < greedy.length) {
                further.add(running.get(i));
            }
        }
        return further;
    }

    /** What each module decided for each token of a prompt, once fed at once and once token by token. */
    List<List<ModuleTrace>> traces(Routing traced, int[] ids) {
        try (Sequence atOnce = decoder.open(traced);
                Sequence oneByOne = decoder.open(traced)) {
            List<ModuleTrace> whole = step(new Feed(atOnce, ids)).trace();
            List<List<ModuleTrace>> steps = new ArrayList<>();
            for (int id : ids) {
                steps.add(step(new Feed(oneByOne, new int[] {id})).trace());
            }
            return List.of(whole, joined(steps));
        }
    }

    /** Traces of one token each, as the traces of all tokens. */
    private static List<ModuleTrace> joined(List<List<ModuleTrace>> steps) {
        List<ModuleTrace> joined = new ArrayList<>();
        for (int m = 0; m < steps.get(0).size(); m++) {
            float[][] scores = new float[steps.size()][];
            float[][] coefficients = new float[steps.size()][];
            for (int t = 0; t < steps.size(); t++) {
                scores[t] = steps.get(t).get(m).scores()[0];
                coefficients[t] = steps.get(t).get(m).coefficients()[0];
            }
            joined.add(new ModuleTrace(steps.get(0).get(m).module(), scores, coefficients));
        }
        return joined;
    }

    private StepOutput step(Feed feed) {
        return decoder.step(List.of(feed)).get(0);
    }

    /** The index of the largest, the first of equals; -1 if one is not a number. */
    private static int argmax(float[] logits) { // (vocabulary)
        int best = 0;
        for (int i = 0; i < logits.length; i++) {
            if (Float.isNaN(logits[i])) {
                return -1;
            }
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }
}
