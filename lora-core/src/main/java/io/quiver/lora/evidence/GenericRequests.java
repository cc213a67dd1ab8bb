package io.quiver.lora.evidence;

import java.util.List;

/**
 * Requests as a base model imagines them, sampled from the base itself, in three disjoint sets.
 *
 * @param prefixTokens how many tokens at the beginning of every request are the same (the chat template up to the user's
 *     words) and count for nothing
 * @param fit give mean and covariance // (requests) of (tokens)
 * @param statistics give means and deviations of what adapters answer; at least three // (requests) of (tokens)
 * @param threshold say how far an adapter stands out on what is not its own // (requests) of (tokens)
 */
public record GenericRequests(int prefixTokens, List<int[]> fit, List<int[]> statistics, List<int[]> threshold) {
    /** Requests of one set, far above what is sampled. */
    public static final int REQUESTS_MAX = 4096;

    /** Tokens of one request, far above what is sampled. */
    public static final int TOKENS_MAX = 4096;

    /** A line through fewer points than this leaves no residual to compare with. */
    private static final int STATISTICS_MIN = 3;

    public GenericRequests {
        fit = List.copyOf(fit);
        statistics = List.copyOf(statistics);
        threshold = List.copyOf(threshold);
        if (prefixTokens < 0) {
            throw new IllegalArgumentException("a prefix has at least 0 tokens, not " + prefixTokens);
        }
        check("fit", fit, 1, prefixTokens);
        check("statistics", statistics, STATISTICS_MIN, prefixTokens);
        check("threshold", threshold, 1, prefixTokens);
    }

    private static void check(String set, List<int[]> requests, int least, int prefixTokens) {
        if (requests.size() < least || requests.size() > REQUESTS_MAX) {
            throw new IllegalArgumentException("the set " + set + " has " + requests.size() + " requests, it needs "
                    + least + " to " + REQUESTS_MAX);
        }
        for (int[] request : requests) {
            if (request.length <= prefixTokens || request.length > TOKENS_MAX) {
                throw new IllegalArgumentException("a request of the set " + set + " has " + request.length
                        + " tokens, it needs more than the prefix of " + prefixTokens + " and at most " + TOKENS_MAX);
            }
        }
    }

    /** How many tokens of each request count. */
    public int[] contentTokens(List<int[]> requests) { // (requests)
        return requests.stream()
                .mapToInt(request -> request.length - prefixTokens)
                .toArray();
    }
}
