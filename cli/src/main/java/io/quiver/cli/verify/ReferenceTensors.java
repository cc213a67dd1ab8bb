package io.quiver.cli.verify;

import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** The tensors of an {@code expected.safetensors}; none if the file is not there. */
final class ReferenceTensors implements AutoCloseable {
    private final Optional<SafetensorsFile> file;
    private final Map<String, TensorInfo> tensors = new HashMap<>();

    private ReferenceTensors(Optional<SafetensorsFile> file) {
        this.file = file;
        file.ifPresent(open -> open.header().tensors().forEach(tensor -> tensors.put(tensor.name(), tensor)));
    }

    /** @throws io.quiver.lora.safetensors.InvalidSafetensorsException if the file is broken */
    static ReferenceTensors open(Path path) throws IOException {
        return new ReferenceTensors(
                Files.exists(path)
                        ? Optional.of(SafetensorsFile.open(path, SafetensorsLimits.BASE_MODEL))
                        : Optional.empty());
    }

    /**
     * The logits of a prompt, {@code exact.N} or else {@code logits.N}; empty if there are none.
     *
     * @return // (tokens, vocabulary)
     * @throws IllegalArgumentException if they have another shape
     */
    Optional<double[][]> logits(int tokens, int vocabulary) throws IOException {
        String name = tensors.containsKey("exact." + tokens) ? "exact." + tokens : "logits." + tokens;
        return tensors.containsKey(name) ? Optional.of(rows(name, tokens, vocabulary)) : Optional.empty();
    }

    /** Module paths of the tensors that start with a prefix, with the tensors' names. */
    SortedMap<String, String> modules(String prefix) {
        SortedMap<String, String> modules = new TreeMap<>();
        tensors.keySet().stream()
                .filter(name -> name.startsWith(prefix))
                .forEach(name -> modules.put(name.substring(prefix.length()), name));
        return modules;
    }

    /**
     * The rows of a matrix.
     *
     * @throws IllegalArgumentException if it has another shape
     */
    double[][] rows(String name, int rows, int columns) throws IOException { // -> (rows, columns)
        TensorInfo tensor = tensors.get(name);
        if (tensor == null || file.isEmpty()) {
            throw new IllegalArgumentException("there is no tensor " + name);
        }
        if (tensor.axes() != 2
                || tensor.shape().get(0) != rows
                || tensor.shape().get(1) != columns) {
            throw new IllegalArgumentException("tensor " + name + " has the shape " + tensor.shape() + ", expected ["
                    + rows + ", " + columns + "]");
        }
        double[] values = file.get().doubles(name);
        double[][] matrix = new double[rows][columns];
        for (int i = 0; i < rows; i++) {
            System.arraycopy(values, i * columns, matrix[i], 0, columns);
        }
        return matrix;
    }

    /**
     * The elements of a tensor, row-major.
     *
     * @throws IllegalArgumentException if there is none of that name
     */
    double[] values(String name) throws IOException { // -> (elements)
        if (!tensors.containsKey(name) || file.isEmpty()) {
            throw new IllegalArgumentException("there is no tensor " + name);
        }
        return file.get().doubles(name);
    }

    /** The first size of a tensor. */
    int firstSize(String name) {
        TensorInfo tensor = tensors.get(name);
        return tensor == null || tensor.axes() == 0
                ? 0
                : Math.toIntExact(tensor.shape().get(0));
    }

    @Override
    public void close() throws IOException {
        if (file.isPresent()) {
            file.get().close();
        }
    }
}
