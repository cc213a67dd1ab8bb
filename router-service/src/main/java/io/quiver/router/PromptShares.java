package io.quiver.router;

/** Divides the tokens of prompts that one step may read among the prompts being read. */
final class PromptShares {
    private PromptShares() {}

    /**
     * Half of the tokens are shared evenly by all but the oldest prompt, so that a short one does not wait for a long one; the
     * rest goes to the prompts in their order, so that the oldest gets on fastest.
     *
     * @param left tokens not read yet of each prompt, oldest first // (prompts)
     * @param tokensMax tokens to be divided
     * @return tokens to read of each // (prompts)
     */
    static int[] of(int[] left, int tokensMax) {
        int[] shares = new int[left.length];
        int rest = tokensMax;
        int each = left.length > 1 ? tokensMax / 2 / (left.length - 1) : 0;
        for (int i = 1; i < left.length; i++) {
            shares[i] = Math.min(left[i], each);
            rest -= shares[i];
        }
        for (int i = 0; i < left.length; i++) {
            int more = Math.min(left[i] - shares[i], rest);
            shares[i] += more;
            rest -= more;
        }
        return shares;
    }
}
