package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.embedded.EmbeddedS3;
import io.quiver.embedded.ServerSettings;
import io.quiver.objectstore.ContentMismatchException;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreSettings;
import io.quiver.objectstore.minio.MinioObjectStore;
import io.quiver.schemas.CalibrationRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.RoutingPart;
import io.quiver.schemas.StoredFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContentCacheTest {
    private static final Digest SET = Catalogues.digest("set");

    @TempDir
    private static Path server;

    private static EmbeddedS3 s3;
    private static ObjectStore store;

    @TempDir
    private Path directory;

    private ContentCache cache;
    private final SteppingClock clock = new SteppingClock();

    /** A second later at each look. */
    private static final class SteppingClock extends Clock {
        private Instant now = Instant.parse("2026-11-22T00:00:00Z");

        @Override
        public Instant instant() {
            now = now.plusSeconds(1);
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException();
        }
    }

    @BeforeAll
    static void start() {
        s3 = EmbeddedS3.start(ServerSettings.onFreePort(server));
        store = new MinioObjectStore(
                new ObjectStoreSettings(s3.endpoint(), s3.accessKey(), s3.secretKey(), "quiver", "us-east-1"));
        store.ensureBucket();
    }

    @AfterAll
    static void stop() {
        store.close();
        s3.close();
    }

    private ContentCache cache(long bytesMax) {
        return new ContentCache(directory, store, clock, bytesMax);
    }

    @BeforeEach
    void empty() {
        cache = cache(Long.MAX_VALUE);
    }

    private static StoredFile stored(String name, String promised, String actual) {
        byte[] bytes = actual.getBytes(StandardCharsets.UTF_8);
        Digest digest = Catalogues.digest(promised);
        store.put(ObjectKey.blob(digest.hex()), new ByteArrayInputStream(bytes), bytes.length);
        return new StoredFile(name, digest, promised.length());
    }

    @Test
    void files_lie_together_under_their_names() throws IOException {
        Path folder = cache.folder(SET, List.of(stored("a.json", "one", "one"), stored("b.json", "two", "two")))
                .path();
        assertThat(folder.resolve("a.json")).hasContent("one");
        assertThat(folder.resolve("b.json")).hasContent("two");
    }

    @Test
    void a_file_damaged_on_the_disk_is_fetched_again() throws IOException {
        StoredFile file = stored("a.json", "three", "three");
        Path path = cache.folder(SET, List.of(file)).path().resolve("a.json");
        Files.writeString(path, "thre3");
        Files.setLastModifiedTime(path, FileTime.from(clock.instant()));
        cache.folder(SET, List.of(file));
        assertThat(path).hasContent("three");
        // Another program does not know when the file was right.
        Files.writeString(path, "thre3");
        cache(Long.MAX_VALUE).folder(SET, List.of(file));
        assertThat(path).hasContent("three");
        Files.writeString(path, "th");
        cache.folder(SET, List.of(file));
        assertThat(path).hasContent("three");
    }

    @Test
    void a_file_that_is_whole_is_not_fetched_again() throws IOException {
        StoredFile file = stored("a.json", "four", "four");
        cache.folder(SET, List.of(file));
        store.delete(ObjectKey.blob(file.digest().hex()));
        assertThat(cache.folder(SET, List.of(file)).path().resolve("a.json")).hasContent("four");
    }

    @Test
    void other_bytes_than_promised_are_refused_and_leave_nothing() throws IOException {
        for (String actual : List.of("fivE", "fiv", "five and more")) {
            StoredFile file = stored("a.json", "five", actual);
            assertThatThrownBy(() -> cache.folder(SET, List.of(file)))
                    .isInstanceOf(ContentMismatchException.class)
                    .hasMessageContaining(file.digest().toString());
            try (Stream<Path> left = Files.walk(directory)) {
                assertThat(left.filter(Files::isRegularFile)).isEmpty();
            }
        }
    }

    @Test
    void a_name_that_is_a_path_is_refused() {
        for (String name : List.of("../a.json", "x/a.json", "/etc/passwd", "..", ".", "")) {
            StoredFile file = stored(name, "six", "six");
            assertThatThrownBy(() -> cache.folder(SET, List.of(file))).isInstanceOf(ContentMismatchException.class);
        }
    }

    @Test
    void a_file_found_right_is_not_read_again_until_it_is_written() throws IOException {
        StoredFile file = stored("a.json", "seven", "seven");
        Path path = cache.folder(SET, List.of(file)).path().resolve("a.json");
        FileTime before = Files.getLastModifiedTime(path);
        Files.writeString(path, "sev3n");
        Files.setLastModifiedTime(path, before);
        // Nothing that a look at the folder shows has changed, so that only reading would have told.
        cache.folder(SET, List.of(file));
        assertThat(path).hasContent("sev3n");
    }

    @Test
    void what_was_used_longest_ago_goes_when_the_limit_is_passed() {
        ContentCache small = cache(25);
        List<StoredFile> ten = List.of(stored("a.json", "0123456789", "0123456789"));
        Path first = small.folder(Catalogues.digest("1"), ten).path();
        Path second = released(small, "2", ten);
        Path third = released(small, "3", ten);
        // The first is held, the second was used longest ago of the others.
        assertThat(first).exists();
        assertThat(second).doesNotExist();
        assertThat(third).exists();
        released(cache(25), "4", ten);
        assertThat(first).doesNotExist();
        assertThat(third).exists();
        assertThat(released(small, "2", ten).resolve("a.json")).hasContent("0123456789");
    }

    @Test
    void a_look_makes_a_folder_the_last_to_go_over_restarts_too() {
        List<StoredFile> ten = List.of(stored("a.json", "abcdefghij", "abcdefghij"));
        Path first = released(cache(25), "1", ten);
        Path second = released(cache(25), "2", ten);
        released(cache(25), "1", ten);
        released(cache(25), "3", ten);
        assertThat(first).exists();
        assertThat(second).doesNotExist();
    }

    private static Path released(ContentCache cache, String name, List<StoredFile> files) {
        try (ContentCache.Held held = cache.folder(Catalogues.digest(name), files)) {
            return held.path();
        }
    }

    @Test
    void of_a_calibration_only_what_routers_read_is_fetched_and_the_whole_where_that_is_not_known() throws IOException {
        byte[] content = "what routers read, and what adapters are measured with".getBytes(StandardCharsets.UTF_8);
        byte[] part = Arrays.copyOf(content, 17);
        ObjectKey key = new ObjectKey("calibrations/some");
        store.put(key, new ByteArrayInputStream(content), content.length);
        CalibrationRef whole = new CalibrationRef("evidence-v1", key.value(), Digest.of(content), content.length);
        RoutingPart routed = new RoutingPart(part.length, Digest.of(part));
        CalibrationRef known = new CalibrationRef(whole.algorithm(), whole.key(), whole.digest(), 54, routed);
        CalibrationRef another = new CalibrationRef(
                whole.algorithm(), whole.key(), whole.digest(), 54, new RoutingPart(18, whole.digest()));

        try (ContentCache.Held held = cache.calibration(known)) {
            assertThat(held.path()).hasBinaryContent(part);
        }
        try (ContentCache.Held held = cache.calibration(whole)) {
            assertThat(held.path()).hasBinaryContent(content);
        }
        assertThatThrownBy(() -> cache.calibration(another)).isInstanceOf(ContentMismatchException.class);
    }
}
