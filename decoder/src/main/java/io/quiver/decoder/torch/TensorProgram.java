package io.quiver.decoder.torch;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;

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

    /**
     * Runs a method that returns one tensor, and shows the bytes of that where they are, in the machine's order.
     *
     * @param reader sees at most 2 GiB, and only while it runs
     * @param arguments as for {@link #run}
     * @throws IllegalStateException if the engine reports an error
     */
    void look(String method, Consumer<ByteBuffer> reader, Object... arguments);

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
