package io.quiver.decoder.torch;

import io.quiver.decoder.UnsupportedModelException;
import io.quiver.decoder.huggingface.WeightFiles.TensorPlace;
import io.quiver.lora.safetensors.DType;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.nio.file.Files;

/** Hands tensors of safetensors files to a program: mapped by libtorch itself, so that their size does not matter. */
final class Stage {
    private static final int UINT8 = 0;
    private static final int INT8 = 1;
    private static final int FLOAT16 = 5;
    private static final int FLOAT32 = 6;
    private static final int FLOAT64 = 7;
    private static final int BFLOAT16 = 15;

    private final TensorProgram program;

    Stage(TensorProgram program) {
        this.program = program;
    }

    /** Puts one tensor after those that are on the program's stage. */
    void put(TensorPlace place) throws IOException {
        TensorInfo info = place.info();
        int elementBytes = info.dtype().elementBytes();
        long[] shape = info.shape().stream().mapToLong(Long::longValue).toArray();
        if (place.offsetBytes() % elementBytes != 0) {
            // A header may have any length; an element in the middle of another cannot be mapped.
            try (SafetensorsFile file = SafetensorsFile.open(place.file(), SafetensorsLimits.BASE_MODEL)) {
                program.run("stage_values", new TensorProgram.Floats(file.floats(info.name()), shape));
            }
            return;
        }
        // The whole file, so that all its tensors of one type share one mapping.
        long elements = Files.size(place.file()) / elementBytes;
        program.run(
                "stage",
                place.file().toAbsolutePath().toString(),
                type(info),
                elements,
                place.offsetBytes() / elementBytes,
                shape);
    }

    /** Bytes of an element of the type with that number in libtorch. */
    static int elementBytes(int type) {
        return switch (type) {
            case UINT8, INT8 -> 1;
            case BFLOAT16 -> 2;
            case FLOAT32 -> 4;
            default -> throw new IllegalArgumentException("no weights are of the type " + type);
        };
    }

    /** Number of the element type in libtorch. */
    private static int type(TensorInfo info) {
        DType dtype = info.dtype();
        if (dtype == DType.F32) {
            return FLOAT32;
        }
        if (dtype == DType.BF16) {
            return BFLOAT16;
        }
        if (dtype == DType.F16) {
            return FLOAT16;
        }
        if (dtype == DType.F64) {
            return FLOAT64;
        }
        throw new UnsupportedModelException(info.name(), "has elements of type " + dtype);
    }
}
