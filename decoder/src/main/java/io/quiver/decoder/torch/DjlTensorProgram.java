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
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A TorchScript archive that runs in libtorch through DJL's JNI. */
final class DjlTensorProgram implements TensorProgram {
    private final PtNDManager manager;
    private final PtSymbolBlock block;
    private final int threads;
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
        prepareThread();
        IValue[] values = new IValue[arguments.length];
        try (PtNDManager scope = (PtNDManager) manager.newSubManager()) {
            for (int i = 0; i < arguments.length; i++) {
                values[i] = value(arguments[i], scope);
            }
            try (IValue result = IValueUtils.runMethod(block, method, values)) {
                List<Floats> floats = new ArrayList<>();
                // An empty list has no element type that could be asked for.
                if (result.isTensorList()) {
                    for (PtNDArray tensor : result.toTensorArray(scope)) {
                        floats.add(new Floats(
                                tensor.toFloatArray(), tensor.getShape().getShape()));
                    }
                }
                return floats;
            }
        } catch (EngineException e) {
            throw new IllegalStateException("the engine failed in " + method + ": " + e.getMessage(), e);
        } finally {
            for (IValue value : values) {
                if (value != null) {
                    value.close();
                }
            }
        }
    }

    /** Both settings belong to the calling thread in libtorch. The optimizer would spend the first steps on profiling. */
    private void prepareThread() {
        if (!prepared.get()) {
            JniUtils.setGraphExecutorOptimize(false);
            JniUtils.setNumThreads(threads);
            prepared.set(true);
        }
    }

    private static IValue value(Object argument, PtNDManager scope) {
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
            return IValue.from(
                    scope.create(FloatBuffer.wrap(floats.values()), new Shape(floats.shape()), DataType.FLOAT32));
        }
        throw new IllegalArgumentException("no tensor program takes a " + argument.getClass());
    }

    @Override
    public void close() {
        block.close();
        manager.close();
    }
}
