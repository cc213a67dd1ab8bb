package io.quiver.lora.gate;

/** What is done to a module's input before a gate scores it; the experts themselves read the input as it is. */
public enum InputNorm {
    /** Nothing: louder tokens are routed more sharply. */
    ID("id"),
    /** x / ‖x‖: Arrow's score becomes the magnitude of a cosine, 0 to 1. */
    UNIT("unit"),
    /** (x − mean) / √(variance + 1e-5), without weights. */
    LAYER_NORM("layer_norm");

    /** As torch and mttl have it. */
    private static final double EPSILON = 1e-5;

    /** A shorter input counts as this long. */
    private static final double LENGTH_MIN = 1e-12;

    private final String word;

    InputNorm(String word) {
        this.word = word;
    }

    /** The name that requests use. */
    public String word() {
        return word;
    }

    /** The input as the gate sees it; a new array. */
    public double[] of(double[] x) { // (in) -> (in)
        double mean = 0;
        double scale = 1;
        if (this == UNIT) {
            scale = 1 / Math.max(Math.sqrt(squares(x, 0)), LENGTH_MIN);
        } else if (this == LAYER_NORM) {
            for (double component : x) {
                mean += component / x.length;
            }
            scale = 1 / Math.sqrt(squares(x, mean) / x.length + EPSILON);
        }
        double[] normalised = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            normalised[i] = (x[i] - mean) * scale;
        }
        return normalised;
    }

    private static double squares(double[] x, double mean) {
        double sum = 0;
        for (double component : x) {
            sum += (component - mean) * (component - mean);
        }
        return sum;
    }
}
