package io.quiver.decoder.torch;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A TorchScript archive that runs in libtorch through DJL's JNI. */
final class DjlTensorProgram implements TensorProgram {
    private static final int ALIGNMENT_BYTES = 64;
    private static final ByteBuffer NO_ROOM = ByteBuffer.allocateDirect(0);
    /** Memory for arguments beyond that is not kept from call to call. */
    private static final long SPARE_BYTES_MAX = 32L << 20;

    private final PtNDManager manager;
    private final PtSymbolBlock block;
    private final int threads;
    private final AtomicReference<@Nullable ByteBuffer> spare = new AtomicReference<>();
    private final ThreadLocal<Boolean> prepared = ThreadLocal.withInitial(() -> false);

    /**
     * @param archive bytes of a .pt file
     * @param threads that one operation may use
     */
    DjlTensorProgram(byte[] archive, int threads) {
        this.threads = threads;
        // The archive itself has no tensors: the program puts what it makes where it was told to.
        manager = (PtNDManager) Engine.getEngine("PyTorch").newBaseManager(Device.cpu());
        try {
            block = JniUtils.loadModule(manager, new ByteArrayInputStream(archive), false, false);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    @Override
    public List<Floats> run(String method, Object... arguments) {
        List<Floats> floats = new ArrayList<>();
        call(
                method,
                arguments,
                tensor -> floats.add(
                        new Floats(tensor.toFloatArray(), tensor.getShape().getShape())));
        return floats;
    }

    @Override
    public void look(String method, Consumer<ByteBuffer> reader, Object... arguments) {
        call(
                method,
                arguments,
                tensor -> reader.accept(JniUtils.getByteBuffer(tensor, true).order(ByteOrder.nativeOrder())));
    }

    /** Runs a method and shows each tensor that it returns, as long as it is there. */
    private void call(String method, Object[] arguments, Consumer<PtNDArray> reader) {
        prepareThread();
        IValue[] values = new IValue[arguments.length];
        ByteBuffer room = room(arguments);
        try (PtNDManager scope = (PtNDManager) manager.newSubManager()) {
            for (int i = 0; i < arguments.length; i++) {
                values[i] = value(arguments[i], scope, room);
            }
            try (IValue result = IValueUtils.runMethod(block, method, values)) {
                // An empty list has no element type that could be asked for.
                if (result.isTensorList()) {
                    for (PtNDArray tensor : result.toTensorArray(scope)) {
                        reader.accept(tensor);
                    }
                }
            }
        } catch (EngineException e) {
            throw new IllegalStateException("the engine failed in " + method + ": " + e.getMessage(), e);
        } finally {
            for (IValue value : values) {
                if (value != null) {
                    value.close();
                }
            }
            if (room.capacity() > 0 && room.capacity() <= SPARE_BYTES_MAX) {
                spare.set(room);
            }
        }
    }

    /**
     * Direct memory for the tensors among the arguments of one call, which the program copies where it keeps them: that of a call before, if
     * there is. Taken anew each time it would pile up until the collector runs.
     */
    private ByteBuffer room(Object[] arguments) {
        long bytes = 0;
        for (Object argument : arguments) {
            if (argument instanceof Floats floats) {
                bytes += roundedUp((long) floats.values().length * Float.BYTES);
            }
        }
        if (bytes == 0) {
            return NO_ROOM;
        }
        @Nullable ByteBuffer room = spare.getAndSet(null);
        if (room == null || room.capacity() < bytes) {
            // Powers of two, so that few sizes are tried on the way to the largest.
            room = ByteBuffer.allocateDirect(
                    Math.toIntExact(Math.max(bytes, Math.min(SPARE_BYTES_MAX, Long.highestOneBit(bytes) * 2))));
        }
        return room.clear();
    }

    private static long roundedUp(long bytes) {
        return (bytes + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
    }

    /** A tensor in the next bytes of the room. */
    private static PtNDArray tensor(Floats floats, PtNDManager scope, ByteBuffer room) {
        int first = room.position();
        int bytes = floats.values().length * Float.BYTES;
        ByteBuffer mine = room.slice(first, bytes).order(ByteOrder.nativeOrder());
        mine.asFloatBuffer().put(floats.values());
        room.position(Math.toIntExact(first + roundedUp(bytes)));
        return scope.create(mine, new Shape(floats.shape()), DataType.FLOAT32);
    }

    /** Both settings belong to the calling thread in libtorch. The optimizer would spend the first steps on profiling. */
    private void prepareThread() {
        if (!prepared.get()) {
            JniUtils.setGraphExecutorOptimize(false);
            JniUtils.setNumThreads(threads);
            prepared.set(true);
        }
    }

    private static IValue value(Object argument, PtNDManager scope, ByteBuffer room) {
        if (argument instanceof Long number) {
            return IValue.from(number);
        }
        if (argument instanceof Integer number) {
            return IValue.from((long) number);
        }
        if (argument instanceof Double number) {
            return IValue.from(number);
        }
        if (argument instanceof Boolean flag) {
            return IValue.from(flag);
        }
        if (argument instanceof String text) {
            return IValue.from(text);
        }
        if (argument instanceof long[] numbers) {
            return IValue.listFrom(numbers);
        }
        if (argument instanceof int[] numbers) {
            return IValue.listFrom(Arrays.stream(numbers).asLongStream().toArray());
        }
        if (argument instanceof double[] numbers) {
            return IValue.listFrom(numbers);
        }
        if (argument instanceof Floats floats) {
            return IValue.from(tensor(floats, scope, room));
        }
        throw new IllegalArgumentException("no tensor program takes a " + argument.getClass());
    }

    @Override
    public void close() {
        block.close();
        manager.close();
    }
}
