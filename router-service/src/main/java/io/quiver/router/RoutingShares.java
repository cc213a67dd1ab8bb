package io.quiver.router;

import io.quiver.decoder.Decoder.ModuleTrace;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.Routing;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Sums up what the modules decided, token by token. One owner, not thread-safe. */
final class RoutingShares {
    private final int experts;
    private final double[] constant; // (experts), for routings that decide nothing
    private final double[] sum; // (experts)
    private int tokens;

    RoutingShares(Routing routing) {
        if (routing instanceof Routing.Fixed fixed) {
            constant = fixed.weights().stream().mapToDouble(Double::doubleValue).toArray();
        } else if (routing instanceof Routing.Arrow arrow) {
            constant = new double[arrow.experts().size()];
        } else if (routing instanceof Routing.Gated gated) {
            constant = new double[gated.experts().size()];
        } else if (routing instanceof Routing.Base) {
            constant = new double[0];
        } else {
            throw new IllegalStateException("unknown routing " + routing);
        }
        experts = constant.length;
        sum = new double[experts];
    }

    /**
     * The shares of the last token fed: the mean of its coefficients over the modules.
     *
     * @return a share per expert // (experts)
     */
    double[] of(StepOutput output, int row) {
        float[] last = output.shares();
        if (last.length == 0) {
            return of(output.trace(), row);
        }
        return IntStream.range(0, experts).mapToDouble(e -> last[e]).toArray();
    }

    /**
     * The shares of one token, from what the modules decided.
     *
     * @param row which token of the feed
     * @return a share per expert // (experts)
     */
    double[] of(List<ModuleTrace> trace, int row) {
        if (trace.isEmpty()) {
            return constant.clone();
        }
        double[] shares = new double[experts];
        for (ModuleTrace module : trace) {
            for (int e = 0; e < experts; e++) {
                shares[e] += module.coefficients()[row][e] / trace.size();
            }
        }
        return shares;
    }

    /** Counts a generated token. */
    void add(double[] shares) {
        for (int e = 0; e < experts; e++) {
            sum[e] += shares[e];
        }
        tokens++;
    }

    /** The mean over the tokens counted; zeros before the first. // (experts) */
    List<Double> mean() {
        return IntStream.range(0, experts)
                .mapToObj(e -> tokens == 0 ? 0.0 : sum[e] / tokens)
                .toList();
    }

    TokenTrace trace(int token, String text, double[] shares, List<ModuleTrace> modules, int row, TraceDetail detail) {
        List<TokenTrace.ModuleDecision> decisions = new ArrayList<>();
        if (detail == TraceDetail.MODULES) {
            for (ModuleTrace module : modules) {
                decisions.add(new TokenTrace.ModuleDecision(
                        module.module(), module.scores()[row].clone(), module.coefficients()[row].clone()));
            }
        }
        return new TokenTrace(
                token,
                text,
                largest(shares),
                IntStream.range(0, experts).mapToObj(e -> shares[e]).toList(),
                decisions);
    }

    private static @Nullable Integer largest(double[] shares) {
        if (shares.length == 0) {
            return null;
        }
        int largest = 0;
        for (int e = 1; e < shares.length; e++) {
            largest = shares[e] > shares[largest] ? e : largest;
        }
        return largest;
    }
}
