package io.quiver.lora.safetensors;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;

/** Reads one header, token by token, so that nothing is built that the format does not allow. For one use. */
final class HeaderParser {
    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(8)
                    .maxNumberLength(32)
                    .build())
            .build();

    private final byte[] json;
    private final SafetensorsLimits limits;
    private final List<TensorInfo> tensors = new ArrayList<>();
    private final Map<String, String> metadata = new HashMap<>();
    private final List<Defect> defects = new ArrayList<>();
    private final Set<String> names = new HashSet<>();

    HeaderParser(byte[] json, SafetensorsLimits limits) {
        this.json = json;
        this.limits = limits;
    }

    SafetensorsHeader parse() {
        if (json.length == 0 || json[0] != '{') {
            throw malformed("it does not begin with '{'");
        }
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                entry(parser, parser.currentName());
            }
            expect(parser, JsonToken.END_OBJECT, "the header");
            if (parser.nextToken() != null) {
                throw malformed("something follows the closing brace");
            }
        } catch (JacksonException e) {
            throw malformed(e.getOriginalMessage());
        }
        tensors.sort(Comparator.comparingLong(TensorInfo::beginBytes)
                .thenComparingLong(TensorInfo::endBytes)
                .thenComparing(TensorInfo::name));
        if (defects.isEmpty()) {
            checkLayout();
        }
        if (!defects.isEmpty()) {
            throw new InvalidSafetensorsException(defects);
        }
        return new SafetensorsHeader(tensors, metadata, SafetensorsHeader.LENGTH_BYTES + (long) json.length);
    }

    private void entry(JsonParser parser, String name) {
        boolean repeated = !names.add(name);
        if (name.equals("__metadata__")) {
            if (repeated) {
                throw duplicateKey(name, null);
            }
            readMetadata(parser);
            return;
        }
        if (names.size() > limits.tensorsMax() + (names.contains("__metadata__") ? 1 : 0)) {
            throw new InvalidSafetensorsException(
                    DefectCode.TOO_MANY_TENSORS, "more than " + limits.tensorsMax() + " tensors");
        }
        if (repeated) {
            defect(DefectCode.DUPLICATE_TENSOR, "the header names this tensor twice", name);
        }
        TensorInfo tensor = readTensor(parser, name);
        if (tensor != null && !repeated) {
            tensors.add(tensor);
        }
    }

    private void readMetadata(JsonParser parser) {
        parser.nextToken();
        expect(parser, JsonToken.START_OBJECT, "__metadata__");
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String key = parser.currentName();
            parser.nextToken();
            expect(parser, JsonToken.VALUE_STRING, "__metadata__." + key);
            if (metadata.put(key, parser.getString()) != null) {
                throw duplicateKey(key, "__metadata__");
            }
        }
    }

    /** Null if the entry has a defect. */
    private @Nullable TensorInfo readTensor(JsonParser parser, String name) {
        parser.nextToken();
        expect(parser, JsonToken.START_OBJECT, name);
        String dtypeName = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        Set<String> keys = new HashSet<>();
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String key = parser.currentName();
            if (!keys.add(key)) {
                throw duplicateKey(key, name);
            }
            parser.nextToken();
            switch (key) {
                case "dtype" -> {
                    expect(parser, JsonToken.VALUE_STRING, name + ".dtype");
                    dtypeName = parser.getString();
                }
                case "shape" -> shape = readLongs(parser, name + ".shape", limits.axesMax());
                case "data_offsets" -> offsets = readLongs(parser, name + ".data_offsets", 2);
                default -> throw malformed("unknown field '" + key + "' in the entry of " + name);
            }
        }
        if (dtypeName == null || shape == null || offsets == null || offsets.size() != 2) {
            throw malformed("the entry of " + name + " needs dtype, shape and two data_offsets");
        }
        return check(name, dtypeName, shape, offsets.get(0), offsets.get(1));
    }

    private @Nullable TensorInfo check(String name, String dtypeName, List<Long> shape, long begin, long end) {
        int defectsBefore = defects.size();
        if (name.isEmpty()
                || name.length() > limits.nameCharsMax()
                || name.chars().anyMatch(Character::isISOControl)) {
            defect(
                    DefectCode.INVALID_NAME,
                    "a name has 1 to " + limits.nameCharsMax() + " characters and no control characters",
                    name.substring(0, Math.min(64, name.length())));
        }
        if (shape.size() > limits.axesMax()) {
            defect(DefectCode.TOO_MANY_AXES, "more than " + limits.axesMax() + " axes", name);
            return null;
        }
        DType dtype = DType.named(dtypeName).orElse(null);
        if (dtype == null) {
            defect(DefectCode.UNKNOWN_DTYPE, "unknown element type '" + dtypeName + "'", name);
            return null;
        }
        long sizeBytes;
        try {
            sizeBytes = Math.multiplyExact(TensorInfo.count(shape), dtype.elementBytes());
        } catch (ArithmeticException | IllegalArgumentException e) {
            defect(DefectCode.INVALID_SHAPE, "the shape " + shape + " cannot be", name);
            return null;
        }
        if (begin < 0 || end < begin || end - begin != sizeBytes) {
            defect(
                    DefectCode.OFFSET_MISMATCH,
                    "offsets [" + begin + ", " + end + "] for " + dtype + " " + shape + ", which takes " + sizeBytes
                            + " bytes",
                    name);
            return null;
        }
        return defects.size() == defectsBefore ? new TensorInfo(name, dtype, shape, begin, end) : null;
    }

    /** Reads at most {@code max + 1} numbers, so that the caller sees that there were too many. */
    private static List<Long> readLongs(JsonParser parser, String where, int max) {
        expect(parser, JsonToken.START_ARRAY, where);
        List<Long> numbers = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            expect(parser, JsonToken.VALUE_NUMBER_INT, where);
            if (numbers.size() <= max) {
                numbers.add(parser.getLongValue());
            }
        }
        return numbers;
    }

    private void checkLayout() {
        long position = 0;
        for (TensorInfo tensor : tensors) {
            if (tensor.beginBytes() < position) {
                defect(
                        DefectCode.OVERLAP,
                        "begins at byte " + tensor.beginBytes() + " of the data, where another tensor reaches to "
                                + position,
                        tensor.name());
            } else if (tensor.beginBytes() > position) {
                defect(
                        DefectCode.HOLE,
                        "bytes " + position + " to " + tensor.beginBytes() + " of the data belong to no tensor",
                        tensor.name());
            }
            position = Math.max(position, tensor.endBytes());
        }
    }

    private void defect(DefectCode code, String message, String where) {
        if (defects.size() < limits.defectsMax()) {
            defects.add(new Defect(code, message, where));
        }
    }

    private static void expect(JsonParser parser, JsonToken token, String where) {
        if (parser.currentToken() != token) {
            throw malformed("expected " + token + " in " + where + ", found " + parser.currentToken());
        }
    }

    private static InvalidSafetensorsException duplicateKey(String key, @Nullable String where) {
        return new InvalidSafetensorsException(
                List.of(new Defect(DefectCode.DUPLICATE_KEY, "the key '" + key + "' stands twice", where)));
    }

    private static InvalidSafetensorsException malformed(@Nullable String reason) {
        return new InvalidSafetensorsException(
                DefectCode.MALFORMED_HEADER, "the header is not what the format prescribes: " + reason);
    }
}
