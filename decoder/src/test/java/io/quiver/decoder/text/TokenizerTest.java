package io.quiver.decoder.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TokenizerTest {
    private static final int VOCABULARY = 288;
    private static final int SPECIAL = 6;
    private static Tokenizer tokenizer;
    private static JsonNode golden;

    static Path resource(String name) {
        try {
            return Path.of(Objects.requireNonNull(TokenizerTest.class.getResource("/text/" + name))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @BeforeAll
    static void open() {
        tokenizer = Tokenizer.open(resource("llama"));
        golden = JsonMapper.builder().build().readTree(resource("cases.json").toFile());
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    private static int[] ids(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .mapToInt(JsonNode::asInt)
                .toArray();
    }

    @Test
    void every_golden_text_has_the_ids_and_the_decoding_of_the_reference() {
        assertThat(golden.path("cases")).hasSizeGreaterThan(5);
        for (JsonNode c : golden.path("cases")) {
            String text = c.path("text").asString();
            assertThat(tokenizer.encode(text, false)).as(text).containsExactly(ids(c.path("ids")));
            int[] withSpecial = ids(c.path("ids_with_special"));
            assertThat(tokenizer.encode(text, true)).as(text).containsExactly(withSpecial);
            assertThat(tokenizer.decode(ids(c.path("ids")), true))
                    .isEqualTo(c.path("decoded").asString());
            assertThat(tokenizer.decode(ids(c.path("ids")), false))
                    .isEqualTo(c.path("decoded_with_special").asString());
        }
    }

    @Test
    void a_streamed_golden_text_comes_out_whole() {
        for (JsonNode c : golden.path("cases")) {
            assertThat(streamed(tokenizer.stream(), ids(c.path("ids"))))
                    .isEqualTo(c.path("decoded").asString());
        }
    }

    @Test
    void an_emoji_of_four_tokens_is_given_out_at_its_last_one() {
        TokenStream stream = tokenizer.stream();
        int[] ids = {178, 259, 253, 230};
        assertThat(tokenizer.decode(ids, true)).isEqualTo("🙂");
        assertThat(stream.push(ids[0])).isEmpty();
        assertThat(stream.push(ids[1])).isEmpty();
        assertThat(stream.push(ids[2])).isEmpty();
        assertThat(stream.push(ids[3])).isEqualTo("🙂");
    }

    @Test
    void a_character_that_is_never_completed_becomes_a_replacement_at_the_end() {
        TokenStream stream = tokenizer.stream();
        assertThat(stream.push(178)).isEmpty();
        assertThat(stream.finish()).isEqualTo("\uFFFD");
        assertThat(stream.finish()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void any_tokens_stream_to_the_text_of_decoding_them_at_once(long seed) {
        Random random = new Random(seed);
        for (int n = 0; n < 200; n++) {
            int[] ids = random.ints(1 + random.nextInt(30), 0, VOCABULARY).toArray();
            assertThat(streamed(tokenizer.stream(), ids)).isEqualTo(tokenizer.decode(ids, true));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {5, 6})
    void the_way_for_other_tokenizers_gives_the_same_text_for_real_text(long seed) {
        Random random = new Random(seed);
        String letters = "aé日🙂 \nz";
        for (int n = 0; n < 100; n++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(12); i >= 0; i--) {
                int[] points = letters.codePoints().toArray();
                text.appendCodePoint(points[random.nextInt(points.length)]);
            }
            int[] ids = tokenizer.encode(text.toString(), false);
            TokenStream stream = new PrefixStream(tokens -> tokenizer.decode(tokens, true));
            assertThat(streamed(stream, ids)).isEqualTo(text.toString());
        }
    }

    @Test
    void no_streamed_piece_ends_inside_a_surrogate_pair() {
        TokenStream stream = tokenizer.stream();
        for (int id : tokenizer.encode("👩‍🚀🙂🙂", false)) {
            String piece = stream.push(id);
            assertThat(piece.isEmpty() || !Character.isHighSurrogate(piece.charAt(piece.length() - 1)))
                    .isTrue();
        }
    }

    @Test
    void a_single_token_has_a_text_for_people() {
        assertThat(tokenizer.text(1)).isEqualTo("<s>");
        assertThat(tokenizer.text(57)).isEqualTo("T");
        assertThat(tokenizer.text(178)).isEqualTo("\uFFFD");
        assertThat(tokenizer.text(VOCABULARY + 1)).isEmpty();
        assertThat(IntStream.range(SPECIAL, VOCABULARY).mapToObj(tokenizer::text))
                .noneMatch(String::isEmpty);
    }

    @Test
    void a_folder_without_a_tokenizer_is_refused(@TempDir Path folder) throws IOException {
        assertThatThrownBy(() -> Tokenizer.open(folder))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("tokenizer.json");
        Files.writeString(folder.resolve("tokenizer.json"), "{}");
        assertThatThrownBy(() -> Tokenizer.open(folder))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no vocabulary");
    }

    private static String streamed(TokenStream stream, int[] ids) {
        StringBuilder text = new StringBuilder();
        Arrays.stream(ids).forEach(id -> text.append(stream.push(id)));
        return text.append(stream.finish()).toString();
    }
}
