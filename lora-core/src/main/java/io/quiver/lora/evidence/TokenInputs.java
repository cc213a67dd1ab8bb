package io.quiver.lora.evidence;

import java.util.List;

/**
 * What the linear modules of one point read, token by token, row-major. Not copied: the arrays must not change any more.
 * Thread-safe.
 */
public sealed interface TokenInputs {
    /** Features of one token. */
    int in();

    /** Rows. */
    int tokens();

    /** Writes one row. */
    void copyRow(int token, double[] row); // (in)

    /** @param values row-major // (tokens, in) */
    static TokenInputs of(int in, float[] values) {
        return new Single(in, values);
    }

    /** @param values row-major // (tokens, in) */
    static TokenInputs of(int in, double[] values) {
        return new Exact(in, values);
    }

    /** In single precision. */
    record Single(int in, float[] values) implements TokenInputs { // (tokens, in)
        public Single {
            checkShape(in, values.length);
        }

        @Override
        public int tokens() {
            return values.length / in;
        }

        @Override
        public void copyRow(int token, double[] row) { // (in)
            for (int i = 0; i < in; i++) {
                row[i] = values[token * in + i];
            }
        }
    }

    /** In double precision. */
    record Exact(int in, double[] values) implements TokenInputs { // (tokens, in)
        public Exact {
            checkShape(in, values.length);
        }

        @Override
        public int tokens() {
            return values.length / in;
        }

        @Override
        public void copyRow(int token, double[] row) { // (in)
            System.arraycopy(values, token * in, row, 0, in);
        }
    }

    private static void checkShape(int in, int length) {
        if (in < 1 || length < in || length % in != 0) {
            throw new IllegalArgumentException(length + " values are no rows of " + in);
        }
    }

    /**
     * The inputs of one point on the three sets of generic requests: the tokens that count, request after request.
     *
     * @param fit // (tokens of fit, in)
     * @param statistics // (tokens of statistics, in)
     * @param threshold // (tokens of threshold, in)
     */
    record Sets(TokenInputs fit, TokenInputs statistics, TokenInputs threshold) {
        public Sets {
            if (List.of(statistics.in(), threshold.in()).stream().anyMatch(in -> in != fit.in())) {
                throw new IllegalArgumentException("the three sets have different widths");
            }
        }
    }
}
