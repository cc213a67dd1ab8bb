package io.quiver.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpRequest.BodyPublisher;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MultipartBodyTest {
    @TempDir
    Path folder;

    @Test
    void text_and_files_are_written_as_form_data_of_the_length_that_was_announced() throws IOException {
        Path file = Files.writeString(folder.resolve("adapter_config.json"), "{}");
        MultipartBody body = new MultipartBody("BOUNDARY").text("base", "tiny").file(file);
        AtomicLong sent = new AtomicLong();

        String written = collect(body.publisher(sent::addAndGet));

        assertThat(written)
                .isEqualTo("--BOUNDARY\r\nContent-Disposition: form-data; name=\"base\"\r\n"
                        + "Content-Type: text/plain; charset=utf-8\r\n\r\ntiny\r\n"
                        + "--BOUNDARY\r\nContent-Disposition: form-data; name=\"adapter_config.json\";"
                        + " filename=\"adapter_config.json\"\r\nContent-Type: application/octet-stream\r\n\r\n{}\r\n"
                        + "--BOUNDARY--\r\n");
        assertThat(body.sizeBytes()).isEqualTo(written.length()).isEqualTo(sent.get());
        assertThat(body.publisher(bytes -> {}).contentLength()).isEqualTo(body.sizeBytes());
    }

    @Test
    void a_file_name_cannot_break_out_of_its_header() throws IOException {
        Path file = Files.writeString(folder.resolve("a\"\r\nX-Evil: 1.json"), "");

        assertThat(collect(new MultipartBody("B").file(file).publisher(bytes -> {})))
                .contains("filename=\"a%22%0D%0AX-Evil: 1.json\"")
                .doesNotContain("\r\nX-Evil");
    }

    private static String collect(BodyPublisher publisher) {
        CompletableFuture<String> done = new CompletableFuture<>();
        StringBuilder text = new StringBuilder();
        publisher.subscribe(new Flow.Subscriber<>() {
            @Override
            public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(ByteBuffer bytes) {
                text.append(StandardCharsets.UTF_8.decode(bytes));
            }

            @Override
            public void onError(Throwable thrown) {
                done.completeExceptionally(thrown);
            }

            @Override
            public void onComplete() {
                done.complete(text.toString());
            }
        });
        return done.join();
    }
}
