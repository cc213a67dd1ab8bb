package io.quiver.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every object store must do, whatever server is behind it. Each test uses keys of its own. */
public abstract class ObjectStoreContract {
    private static final int PART = 8 << 20;

    /** The store under test, with its bucket made. */
    protected abstract ObjectStore store();

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, 1000, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 12_345})
    void what_is_put_is_read_back_whatever_its_size(int sizeBytes) throws IOException {
        byte[] content = content(sizeBytes);
        ObjectKey key = key("sizes/put-" + sizeBytes);

        store().put(key, new ByteArrayInputStream(content), sizeBytes);

        assertThat(read(key)).isEqualTo(content);
        assertThat(store().find(key)).hasValueSatisfying(info -> {
            assertThat(info.key()).isEqualTo(key);
            assertThat(info.sizeBytes()).isEqualTo(sizeBytes);
            assertThat(info.modifiedAt()).isCloseTo(Instant.now(), within(5, ChronoUnit.MINUTES));
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 12_345})
    void a_stream_of_unknown_length_is_stored_whole(int sizeBytes) throws IOException {
        byte[] content = content(sizeBytes);
        ObjectKey key = key("sizes/stream-" + sizeBytes);

        long storedBytes = store().putStream(key, Sources.dribbling(content));

        assertThat(storedBytes).isEqualTo(sizeBytes);
        assertThat(read(key)).isEqualTo(content);
    }

    @Test
    void a_put_reads_as_far_as_promised_and_leaves_the_stream_open() throws IOException {
        InputStream source = new ByteArrayInputStream(new byte[] {1, 2, 3, 4, 5});

        store().put(key("promised"), source, 3);

        assertThat(read(key("promised"))).containsExactly(1, 2, 3);
        assertThat(source.readAllBytes()).containsExactly(4, 5);
    }

    @Test
    void a_put_replaces_what_was_there() throws IOException {
        ObjectKey key = key("replaced");
        put(key, 1, 2, 3);
        put(key, 4);

        assertThat(read(key)).containsExactly(4);
    }

    @ParameterizedTest
    @ValueSource(ints = {10, PART + 10, 2 * PART + 10})
    void a_source_that_breaks_off_leaves_no_object(int bytesBeforeTheBreak) {
        ObjectKey key = key("broken/" + bytesBeforeTheBreak);
        InputStream source = new SequenceInputStream(
                new ByteArrayInputStream(content(bytesBeforeTheBreak)),
                Sources.failing(new IOException("cable pulled")));

        assertThatExceptionOfType(UncheckedIOException.class)
                .isThrownBy(() -> store().putStream(key, source))
                .withMessageContaining("cable pulled");

        assertThat(store().find(key)).isEmpty();
        assertThat(store().list("contract/broken/" + bytesBeforeTheBreak)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {10, PART + 10})
    void a_source_that_ends_too_soon_leaves_no_object(int sizeBytes) {
        ObjectKey key = key("short/" + sizeBytes);

        assertThatExceptionOfType(UncheckedIOException.class)
                .isThrownBy(() -> store().put(key, new ByteArrayInputStream(content(sizeBytes)), sizeBytes + 1))
                .withCauseInstanceOf(EOFException.class)
                .withMessageContaining("1 bytes before its promised size");

        assertThat(store().find(key)).isEmpty();
    }

    @Test
    void a_source_that_breaks_off_leaves_the_former_object_as_it_was() throws IOException {
        ObjectKey key = key("kept");
        put(key, 1, 2, 3);

        assertThatExceptionOfType(UncheckedIOException.class)
                .isThrownBy(() -> store().putStream(
                                key,
                                new SequenceInputStream(
                                        new ByteArrayInputStream(content(PART + 1)),
                                        Sources.failing(new IOException("gone")))));

        assertThat(read(key)).containsExactly(1, 2, 3);
    }

    @Test
    void an_exception_of_the_source_that_is_not_about_io_comes_out_as_it_is() {
        ObjectKey key = key("refused");
        IllegalStateException tooLarge = new IllegalStateException("larger than allowed");

        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> store().putStream(
                                key,
                                new SequenceInputStream(
                                        new ByteArrayInputStream(content(PART + 1)), Sources.failing(tooLarge))))
                .isSameAs(tooLarge);

        assertThat(store().find(key)).isEmpty();
    }

    @Test
    void ranges_are_read_exactly() throws IOException {
        ObjectKey key = key("range");
        put(key, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);

        assertThat(read(key, 0, 1)).containsExactly(0);
        assertThat(read(key, 3, 4)).containsExactly(3, 4, 5, 6);
        assertThat(read(key, 9, 1)).containsExactly(9);
        assertThat(read(key, 4, 0)).isEmpty();
        assertThat(read(key, 8, 100)).containsExactly(8, 9);
    }

    @Test
    void a_range_behind_the_end_is_refused() {
        ObjectKey key = key("range-behind");
        put(key, 0, 1);

        assertThatExceptionOfType(ObjectStoreException.class)
                .isThrownBy(() -> store().get(key, 2, 1))
                .isNotInstanceOf(ObjectNotFoundException.class);
        assertThatIllegalArgumentException().isThrownBy(() -> store().get(key, -1, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> store().get(key, 0, -1));
    }

    @Test
    void what_is_not_there_is_reported_as_that() {
        ObjectKey key = key("nothing");

        assertThat(store().find(key)).isEmpty();
        assertThatExceptionOfType(ObjectNotFoundException.class)
                .isThrownBy(() -> store().get(key))
                .withMessageContaining(key.value());
        assertThatExceptionOfType(ObjectNotFoundException.class).isThrownBy(() -> store().get(key, 1, 2));
        assertThatExceptionOfType(ObjectNotFoundException.class).isThrownBy(() -> store().get(key, 0, 0));
        assertThatExceptionOfType(ObjectNotFoundException.class).isThrownBy(() -> store().copy(key, key("elsewhere")));
    }

    @Test
    void a_copy_is_a_second_object() throws IOException {
        put(key("copy/from"), 1, 2, 3);
        put(key("copy/to"), 9, 9, 9, 9);

        store().copy(key("copy/from"), key("copy/to"));
        put(key("copy/from"), 7);

        assertThat(read(key("copy/to"))).containsExactly(1, 2, 3);
    }

    @Test
    void deleting_twice_is_as_good_as_once() {
        ObjectKey key = key("deleted");
        put(key, 1);

        store().delete(key);
        store().delete(key);

        assertThat(store().find(key)).isEmpty();
    }

    @Test
    void a_list_has_every_object_below_the_prefix_in_the_order_of_the_keys() {
        List<String> names =
                List.of("list/b", "list/a/1", "list/a-b/1", "list/a.b", "list/a/0/x", "listed", "list/c-10");
        names.forEach(name -> put(key(name), 1, 2));

        assertThat(store().list("contract/list/"))
                .extracting(info -> info.key().value())
                .containsExactly(names.stream()
                        .filter(name -> name.startsWith("list/"))
                        .map(name -> "contract/" + name)
                        .sorted()
                        .toArray(String[]::new));
        assertThat(store().list("contract/list/"))
                .allSatisfy(info -> assertThat(info.sizeBytes()).isEqualTo(2));
        assertThat(store().list("contract/nothing-like-that/")).isEmpty();
    }

    @Test
    void a_list_is_longer_than_one_page_of_the_server() throws Exception {
        int count = 1_003;
        InParallel.call(IntStream.range(0, count)
                .<Callable<Boolean>>mapToObj(n -> () -> {
                    put(key("page/%04d".formatted(n)), 1);
                    return true;
                })
                .toList());

        assertThat(store().list("contract/page/")).hasSize(count);
    }

    @Test
    void many_writers_and_readers_of_one_key_see_whole_objects_only() throws Exception {
        ObjectKey key = key("contended");
        int sizeBytes = 200_000;
        put(key, new byte[sizeBytes]);

        List<Boolean> whole = InParallel.call(IntStream.range(1, 24)
                .<Callable<Boolean>>mapToObj(n -> () -> {
                    byte[] mine = new byte[sizeBytes];
                    java.util.Arrays.fill(mine, (byte) n);
                    put(key, mine);
                    byte[] seen = read(key);
                    return seen.length == sizeBytes
                            && IntStream.range(0, sizeBytes).allMatch(i -> seen[i] == seen[0]);
                })
                .toList());

        assertThat(whole).containsOnly(true);
    }

    @Test
    void making_the_bucket_again_does_nothing() {
        put(key("bucket"), 1);

        store().ensureBucket();

        assertThat(store().find(key("bucket"))).isPresent();
    }

    protected static ObjectKey key(String name) {
        return new ObjectKey("contract/" + name);
    }

    /** The same bytes for the same size. */
    protected static byte[] content(int sizeBytes) {
        byte[] content = new byte[sizeBytes];
        new Random(sizeBytes).nextBytes(content);
        return content;
    }

    private void put(ObjectKey key, int... bytes) {
        byte[] content = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            content[i] = (byte) bytes[i];
        }
        put(key, content);
    }

    protected void put(ObjectKey key, byte[] content) {
        store().put(key, new ByteArrayInputStream(content), content.length);
    }

    protected byte[] read(ObjectKey key) throws IOException {
        try (InputStream in = store().get(key)) {
            return in.readAllBytes();
        }
    }

    private byte[] read(ObjectKey key, long offsetBytes, long lengthBytes) throws IOException {
        try (InputStream in = store().get(key, offsetBytes, lengthBytes)) {
            return in.readAllBytes();
        }
    }
}
