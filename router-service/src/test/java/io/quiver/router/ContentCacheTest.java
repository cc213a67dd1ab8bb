package io.quiver.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.embedded.EmbeddedS3;
import io.quiver.embedded.ServerSettings;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreSettings;
import io.quiver.objectstore.minio.MinioObjectStore;
import io.quiver.schemas.Digest;
import io.quiver.schemas.StoredFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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

    @BeforeEach
    void empty() {
        cache = new ContentCache(directory, store);
    }

    private static StoredFile stored(String name, String promised, String actual) {
        byte[] bytes = actual.getBytes(StandardCharsets.UTF_8);
        Digest digest = Catalogues.digest(promised);
        store.put(ObjectKey.blob(digest.hex()), new ByteArrayInputStream(bytes), bytes.length);
        return new StoredFile(name, digest, promised.length());
    }

    @Test
    void files_lie_together_under_their_names() throws IOException {
        Path folder = cache.folder(SET, List.of(stored("a.json", "one", "one"), stored("b.json", "two", "two")));
        assertThat(folder.resolve("a.json")).hasContent("one");
        assertThat(folder.resolve("b.json")).hasContent("two");
    }

    @Test
    void a_file_damaged_on_the_disk_is_fetched_again() throws IOException {
        StoredFile file = stored("a.json", "three", "three");
        Path path = cache.folder(SET, List.of(file)).resolve("a.json");
        Files.writeString(path, "thre3");
        cache.folder(SET, List.of(file));
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
        assertThat(cache.folder(SET, List.of(file)).resolve("a.json")).hasContent("four");
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
}
