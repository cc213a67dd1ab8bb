package io.quiver.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.minio.BucketExistsArgs;
import io.minio.GetObjectArgs;
import io.minio.MakeBucketArgs;
import io.minio.MinioClient;
import io.minio.PutObjectArgs;
import io.minio.errors.ErrorResponseException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedS3Test {
    private static final int LARGE_BYTES = 12 << 20;
    private static final long PART_BYTES = 5L << 20;

    @TempDir
    private Path dir;

    @Test
    void small_and_multipart_objects_are_there_after_a_restart_on_another_port() throws Exception {
        byte[] large = new byte[LARGE_BYTES];
        new Random(7).nextBytes(large);
        try (var s3 = EmbeddedS3.start(ServerSettings.onFreePort(dir))) {
            MinioClient client = client(s3, s3.secretKey());
            client.makeBucket(MakeBucketArgs.builder().bucket("notes").build());
            put(client, "a/small", new byte[] {1, 2, 3});
            put(client, "a/large", large);
        }
        try (var s3 = EmbeddedS3.start(ServerSettings.onFreePort(dir))) {
            MinioClient client = client(s3, s3.secretKey());
            assertThat(get(client, "a/small")).containsExactly(1, 2, 3);
            assertThat(get(client, "a/large")).isEqualTo(large);
        }
    }

    @Test
    void a_wrong_key_is_refused() throws Exception {
        try (var s3 = EmbeddedS3.start(ServerSettings.onFreePort(dir))) {
            MinioClient stranger = client(s3, "guess");
            assertThatThrownBy(() -> stranger.makeBucket(
                            MakeBucketArgs.builder().bucket("notes").build()))
                    .isInstanceOf(ErrorResponseException.class);
            assertThat(client(s3, s3.secretKey())
                            .bucketExists(
                                    BucketExistsArgs.builder().bucket("notes").build()))
                    .isFalse();
        }
    }

    @Test
    void a_taken_port_is_named_with_who_needs_it_and_how_to_choose_another() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            var settings = new ServerSettings(dir, taken.getLocalPort(), "--s3-port");
            assertThatThrownBy(() -> EmbeddedS3.start(settings))
                    .isInstanceOf(PortTakenException.class)
                    .hasMessage("port " + taken.getLocalPort()
                            + " on 127.0.0.1 is taken; the S3 server needs it: choose another with --s3-port");
        }
    }

    private static MinioClient client(EmbeddedS3 s3, String secretKey) {
        return MinioClient.builder()
                .endpoint(s3.endpoint())
                .credentials(s3.accessKey(), secretKey)
                .region("us-east-1")
                .build();
    }

    private static void put(MinioClient client, String key, byte[] content) throws Exception {
        client.putObject(PutObjectArgs.builder().bucket("notes").object(key).stream(
                        new ByteArrayInputStream(content), (long) content.length, PART_BYTES)
                .build());
    }

    private static byte[] get(MinioClient client, String key) throws Exception {
        try (var object = client.getObject(
                GetObjectArgs.builder().bucket("notes").object(key).build())) {
            return object.readAllBytes();
        }
    }
}
