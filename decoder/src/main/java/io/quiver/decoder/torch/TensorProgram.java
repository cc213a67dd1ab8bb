package io.quiver.decoder.torch;

import java.util.List;

/**
 * A loaded program of tensor operations with state of its own: the one door to the engine. A method may run on any
 * thread; methods that touch the same state must not run at once.
 */
interface TensorProgram extends AutoCloseable {
    /**
     * Runs a method.
     *
     * @param arguments each a Long, Integer, Double, Boolean, String, long[], int[], double[] or {@link Floats}
     * @return the float32 tensors that the method returns
     * @throws IllegalStateException if the engine reports an error
     */
    List<Floats> run(String method, Object... arguments);

    @Override
    void close();

    /**
     * A tensor outside the engine.
     *
     * @param values in row order
     * @param shape sizes of its dimensions
     */
    record Floats(float[] values, long... shape) {}
}
