package io.quiver.lora.evidence;

/**
 * Mean and deviation of some numbers.
 *
 * @param mean their mean
 * @param deviation square root of the sum of squared differences from the mean over one less than their number; 0 for one
 */
record Moments(double mean, double deviation) {
    static Moments of(double[] values) { // (n)
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        double mean = sum / values.length;
        double squares = 0;
        for (double value : values) {
            squares += (value - mean) * (value - mean);
        }
        return new Moments(mean, values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)));
    }
}
