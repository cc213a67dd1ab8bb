package io.quiver.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.embedded.EmbeddedS3;
import io.quiver.embedded.ServerSettings;
import io.quiver.objectstore.minio.MinioObjectStore;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FetchObjectTest {
    /** SHA-256 of "abc", of FIPS 180-2. */
    private static final String ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    private static final ObjectKey KEY = new ObjectKey("fetched/object");

    @TempDir
    private static Path directory;

    private static EmbeddedS3 s3;
    private static ObjectStore store;

    @BeforeAll
    static void start() {
        s3 = EmbeddedS3.start(ServerSettings.onFreePort(directory.resolve("s3")));
        store = new MinioObjectStore(
                new ObjectStoreSettings(s3.endpoint(), s3.accessKey(), s3.secretKey(), "quiver", "us-east-1"));
        store.ensureBucket();
    }

    @AfterAll
    static void stop() {
        store.close();
        s3.close();
    }

    private static void stored(String content) {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        store.put(KEY, new ByteArrayInputStream(bytes), bytes.length);
    }

    @Test
    void an_object_that_is_the_promised_one_lies_in_the_file() {
        stored("abc");
        Path file = directory.resolve("file");
        new FetchObject(store).fetch(KEY, 3, ABC, file);
        assertThat(file).hasContent("abc");
    }

    @Test
    void an_object_that_is_longer_shorter_or_another_one_is_refused() {
        for (String other : new String[] {"abcd", "ab", "abd", ""}) {
            stored(other);
            assertThatThrownBy(() -> new FetchObject(store).fetch(KEY, 3, ABC, directory.resolve("other")))
                    .isInstanceOf(ContentMismatchException.class)
                    .hasMessageContaining("fetched/object");
        }
    }

    @Test
    void the_beginning_of_an_object_is_fetched_alone_and_refused_if_it_is_another_one() {
        Path file = directory.resolve("beginning");
        stored("abcdef");
        new FetchObject(store).fetchBeginning(KEY, 3, ABC, file);
        assertThat(file).hasContent("abc");

        for (String other : new String[] {"abdef", "ab"}) {
            stored(other);
            assertThatThrownBy(() -> new FetchObject(store).fetchBeginning(KEY, 3, ABC, directory.resolve("other")))
                    .isInstanceOf(ContentMismatchException.class)
                    .hasMessageContaining("the beginning of object fetched/object");
        }
    }

    @Test
    void an_object_that_is_not_there_is_said_to_be_missing() {
        assertThatThrownBy(() -> new FetchObject(store)
                        .fetch(new ObjectKey("fetched/nothing"), 3, ABC, directory.resolve("missing")))
                .isInstanceOf(ObjectNotFoundException.class);
    }
}
