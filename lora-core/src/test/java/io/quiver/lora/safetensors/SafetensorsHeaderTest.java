package io.quiver.lora.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.quiver.lora.Fixtures;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsHeaderTest {
    private static final SafetensorsLimits SMALL = new SafetensorsLimits(400, 3, 2, 8, 2);

    @TempDir
    Path folder;

    @ParameterizedTest
    @MethodSource("io.quiver.lora.Fixtures#adapters")
    void files_written_by_the_reference_implementation_are_read(String adapter) throws IOException {
        Path path = Fixtures.path("adapters/" + adapter + "/adapter_model.safetensors");
        try (SafetensorsFile file = SafetensorsFile.open(path, SafetensorsLimits.ADAPTER)) {
            assertThat(file.header().metadata()).containsEntry("format", "pt");
            assertThat(file.header().tensors())
                    .allSatisfy(tensor -> assertThat(file.floats(tensor.name())).hasSize((int) tensor.elements()));
            assertThat(file.header().dataOffsetBytes() + file.header().dataSizeBytes())
                    .isEqualTo(Files.size(path));
        }
    }

    @Test
    void tensors_come_in_the_order_of_their_bytes() {
        SafetensorsHeader header = parse(
                "{'b':{'dtype':'F32','shape':[2],'data_offsets':[4,12]},'a':{'dtype':'F32','shape':[],'data_offsets':[0,4]},"
                        + "'empty':{'dtype':'F64','shape':[0,3],'data_offsets':[4,4]}}");

        assertThat(header.tensors()).extracting(TensorInfo::name).containsExactly("a", "empty", "b");
        assertThat(header.dataSizeBytes()).isEqualTo(12);
        assertThat(header.tensor("a").elements()).isEqualTo(1);
        assertThat(header.find("c")).isEmpty();
    }

    @Test
    void a_file_without_tensors_is_valid() {
        assertThat(parse("{}").tensors()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "null",
                " {}",
                "{",
                "{}x",
                "{'a':1}",
                "{'a':{}}",
                "{'a':null}",
                "{'__metadata__':[]}",
                "{'__metadata__':{'k':1}}",
                "{'a':{'dtype':'F32','shape':[1]}}",
                "{'a':{'dtype':'F32','shape':[1.0],'data_offsets':[0,4]}}",
                "{'a':{'dtype':'F32','shape':['1'],'data_offsets':[0,4]}}",
                "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0]}}",
                "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4,8]}}",
                "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,99999999999999999999]}}",
                "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4],'extra':1}}",
                "{'a':{'dtype':4,'shape':[1],'data_offsets':[0,4]}}",
                "{'a':{'dtype':'F32','shape':{},'data_offsets':[0,4]}}",
                "{'a':{'dtype':'F32','shape':[[1]],'data_offsets':[0,4]}}"
            })
    void a_header_of_another_form_is_refused(String json) {
        assertThat(codes(json)).containsExactly("safetensors_malformed_header");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "safetensors_duplicate_tensor | {'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1]},'a':{'dtype':'U8','shape':[1],'data_offsets':[1,2]}}",
                "safetensors_duplicate_key | {'a':{'dtype':'U8','dtype':'U8','shape':[1],'data_offsets':[0,1]}}",
                "safetensors_duplicate_key | {'__metadata__':{},'__metadata__':{}}",
                "safetensors_duplicate_key | {'__metadata__':{'k':'1','k':'2'}}",
                "safetensors_unknown_dtype | {'a':{'dtype':'Q4','shape':[1],'data_offsets':[0,1]}}",
                "safetensors_unknown_dtype | {'a':{'dtype':'f32','shape':[1],'data_offsets':[0,4]}}",
                "safetensors_invalid_shape | {'a':{'dtype':'U8','shape':[-1],'data_offsets':[0,1]}}",
                "safetensors_invalid_shape | {'a':{'dtype':'U8','shape':[-1,0],'data_offsets':[0,0]}}",
                "safetensors_invalid_shape | {'a':{'dtype':'U8','shape':[4294967296,4294967296],'data_offsets':[0,0]}}",
                "safetensors_invalid_shape | {'a':{'dtype':'F64','shape':[2305843009213693952],'data_offsets':[0,0]}}",
                "safetensors_offset_mismatch | {'a':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}}",
                "safetensors_offset_mismatch | {'a':{'dtype':'F32','shape':[1],'data_offsets':[4,0]}}",
                "safetensors_offset_mismatch | {'a':{'dtype':'U8','shape':[1],'data_offsets':[-1,0]}}",
                "safetensors_offset_mismatch | {'a':{'dtype':'U8','shape':[1],'data_offsets':[-9223372036854775808,9223372036854775807]}}",
                "safetensors_overlap | {'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4]},'b':{'dtype':'U8','shape':[4],'data_offsets':[3,7]}}",
                "safetensors_overlap | {'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4]},'b':{'dtype':'U8','shape':[4],'data_offsets':[0,4]}}",
                "safetensors_hole | {'a':{'dtype':'U8','shape':[4],'data_offsets':[1,5]}}",
                "safetensors_hole | {'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4]},'b':{'dtype':'U8','shape':[4],'data_offsets':[5,9]}}",
                "safetensors_invalid_name | {'':{'dtype':'U8','shape':[1],'data_offsets':[0,1]}}",
                "safetensors_invalid_name | {'a\\u0000b':{'dtype':'U8','shape':[1],'data_offsets':[0,1]}}"
            })
    void each_defect_has_its_own_code(String code, String json) {
        assertThat(codes(json)).containsExactly(code);
    }

    @Test
    void all_defects_are_told_at_once() {
        assertThat(codes("{'a':{'dtype':'Q4','shape':[1],'data_offsets':[0,1]},"
                        + "'b':{'dtype':'F32','shape':[1],'data_offsets':[1,2]}}"))
                .containsExactly("safetensors_unknown_dtype", "safetensors_offset_mismatch");
    }

    @Test
    void the_limits_are_taken_and_one_more_is_refused() {
        assertThat(codes(tensors(3, "[1]", "a"), SMALL)).isEmpty();
        assertThat(codes(tensors(4, "[1]", "a"), SMALL)).containsExactly("safetensors_too_many_tensors");
        assertThat(codes(tensors(1, "[1,1]", "a"), SMALL)).isEmpty();
        assertThat(codes(tensors(1, "[1,1,1]", "a"), SMALL)).containsExactly("safetensors_too_many_axes");
        assertThat(codes(tensors(1, "[1]", "abcdefg"), SMALL)).isEmpty();
        assertThat(codes(tensors(1, "[1]", "abcdefgh"), SMALL)).containsExactly("safetensors_invalid_name");
        assertThat(codes(padded(400), SMALL)).isEmpty();
        assertThat(codes(padded(401), SMALL)).containsExactly("safetensors_header_too_large");
    }

    @Test
    void metadata_does_not_count_as_a_tensor() {
        String json = tensors(3, "[1]", "a");

        assertThat(codes("{'__metadata__':{}," + json.substring(1), SMALL)).isEmpty();
        assertThat(codes(json.substring(0, json.length() - 1) + ",'__metadata__':{}}", SMALL))
                .isEmpty();
    }

    @Test
    void more_defects_than_the_limit_are_not_told() {
        assertThat(codes(tensors(3, "[9]", "a"), SMALL)).hasSize(2);
    }

    @Test
    void a_deeply_nested_header_is_refused_without_reading_it_all() {
        assertThat(codes("{'a':" + "[".repeat(100_000))).containsExactly("safetensors_malformed_header");
    }

    @Test
    void a_file_shorter_or_longer_than_its_header_says_is_refused() throws IOException {
        byte[] valid = new SafetensorsWriter()
                .floats("a", List.of(3L), new float[] {1, 2, 3})
                .toBytes();

        assertThat(openCodes(valid)).isEmpty();
        assertThat(openCodes(Arrays.copyOf(valid, valid.length - 1))).containsExactly("safetensors_truncated_data");
        assertThat(openCodes(Arrays.copyOf(valid, valid.length + 1))).containsExactly("safetensors_trailing_bytes");
        assertThat(openCodes(Arrays.copyOf(valid, 20))).containsExactly("safetensors_truncated_header");
        assertThat(openCodes(Arrays.copyOf(valid, 7))).containsExactly("safetensors_truncated_header");
        assertThat(openCodes(new byte[0])).containsExactly("safetensors_truncated_header");
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE, (16L << 20) + 1})
    void a_header_that_claims_to_be_huge_is_refused_before_it_is_read(long length) throws IOException {
        byte[] file = ByteBuffer.allocate(64)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .array();

        assertThat(openCodes(file)).containsExactly("safetensors_header_too_large");
    }

    private static String tensors(int count, String shape, String prefix) {
        return IntStream.range(0, count)
                .mapToObj(i -> "'" + prefix + i + "':{'dtype':'U8','shape':" + shape + ",'data_offsets':[" + i + ","
                        + (i + 1) + "]}")
                .collect(Collectors.joining(",", "{", "}"));
    }

    private static String padded(int length) {
        return "{}" + " ".repeat(length - 2);
    }

    private static SafetensorsHeader parse(String json) {
        return SafetensorsHeader.parse(bytes(json), SafetensorsLimits.ADAPTER);
    }

    private static byte[] bytes(String json) {
        return json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> codes(String json) {
        return codes(json, SafetensorsLimits.ADAPTER);
    }

    private static List<String> codes(String json, SafetensorsLimits limits) {
        return codes(catchThrowableOfType(
                InvalidSafetensorsException.class, () -> SafetensorsHeader.parse(bytes(json), limits)));
    }

    private List<String> openCodes(byte[] bytes) throws IOException {
        Path path = folder.resolve("file.safetensors");
        Files.write(path, bytes);
        return codes(catchThrowableOfType(
                InvalidSafetensorsException.class,
                () -> SafetensorsFile.open(path, SafetensorsLimits.ADAPTER).close()));
    }

    private static List<String> codes(InvalidSafetensorsException thrown) {
        return thrown == null
                ? List.of()
                : thrown.defects().stream().map(defect -> defect.code().code()).toList();
    }
}
