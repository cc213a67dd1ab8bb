package io.quiver.cli.verify;

import tools.jackson.databind.JsonNode;

/** Arrays of numbers out of JSON. */
final class Numbers {
    private Numbers() {}

    /** @throws IllegalArgumentException if it is no array of numbers; @return // (length) */
    static double[] vector(JsonNode array) {
        if (!array.isArray()) {
            throw new IllegalArgumentException("an array of numbers was expected, but this is " + array);
        }
        double[] values = new double[array.size()];
        for (int i = 0; i < values.length; i++) {
            if (!array.path(i).isNumber()) {
                throw new IllegalArgumentException("a number was expected, but this is " + array.path(i));
            }
            values[i] = array.path(i).doubleValue();
        }
        return values;
    }

    /** @throws IllegalArgumentException if the rows have not one length; @return // (rows, columns) */
    static double[][] matrix(JsonNode rows) {
        double[][] values = new double[rows.size()][];
        for (int i = 0; i < values.length; i++) {
            values[i] = vector(rows.path(i));
            if (values[i].length != values[0].length) {
                throw new IllegalArgumentException("the rows of a matrix have different lengths");
            }
        }
        if (values.length == 0) {
            throw new IllegalArgumentException("a matrix has no rows: " + rows);
        }
        return values;
    }

    /** Row-major // (rows, columns) -> (rows × columns) */
    static double[] flat(double[][] matrix) {
        int columns = matrix[0].length;
        double[] values = new double[matrix.length * columns];
        for (int i = 0; i < matrix.length; i++) {
            System.arraycopy(matrix[i], 0, values, i * columns, columns);
        }
        return values;
    }

    /** The largest difference; infinite if the lengths differ or one is not a number. */
    static double distance(double[] found, double[] expected) { // (n), (n)
        if (found.length != expected.length) {
            return Double.POSITIVE_INFINITY;
        }
        double largest = 0;
        for (int i = 0; i < found.length; i++) {
            double distance = Math.abs(found[i] - expected[i]);
            if (Double.isNaN(distance)) {
                return Double.POSITIVE_INFINITY;
            }
            largest = Math.max(largest, distance);
        }
        return largest;
    }
}
