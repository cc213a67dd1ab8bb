package io.quiver.lora.evidence;

/**
 * Centred inputs in double precision, multiplied by plain loops: what faster forms are held to.
 *
 * @param values x − μ, row-major // (tokens, in)
 */
public record ExactInputs(int in, double[] values) implements CentredInputs {
    public ExactInputs {
        if (in < 1 || values.length % in != 0) {
            throw new IllegalArgumentException(values.length + " values are no rows of " + in);
        }
    }

    @Override
    public int tokens() {
        return values.length / in;
    }

    @Override
    public double[] norms(double[] matrix) { // (rows, in) -> (tokens)
        if (matrix.length % in != 0) {
            throw new IllegalArgumentException(matrix.length + " elements are no rows of " + in);
        }
        double[] norms = new double[tokens()];
        for (int t = 0; t < norms.length; t++) {
            double square = 0;
            for (int row = 0; row < matrix.length; row += in) {
                double sum = 0;
                for (int i = 0; i < in; i++) {
                    sum += matrix[row + i] * values[t * in + i];
                }
                square += sum * sum;
            }
            norms[t] = Math.sqrt(square);
        }
        return norms;
    }

    @Override
    public float[] singles() { // (tokens, in)
        float[] singles = new float[values.length];
        for (int i = 0; i < singles.length; i++) {
            singles[i] = (float) values[i];
        }
        return singles;
    }
}
