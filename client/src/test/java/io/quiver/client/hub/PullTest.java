package io.quiver.client.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quiver.client.hub.HubServer.Received;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole pulls from a hub on this machine, smooth and rough. */
class PullTest {
    private static final String WEIGHTS = "model.safetensors";
    private static final byte[] LARGE = random(3_000_000);
    private static final String CONFIG = "{\"model_type\": \"llama\"}";
    private static final int SMALL_BYTES = CONFIG.length() + 2;

    private final HubServer server = new HubServer()
            .with("README.md", "not wanted")
            .with("config.json", CONFIG)
            .with("tokenizer.json", "{}")
            .with(WEIGHTS, LARGE)
            .with("pytorch_model.bin", "not wanted either");
    private final List<Duration> pauses = new ArrayList<>();
    private final AtomicLong progressBytes = new AtomicLong();

    @TempDir
    Path dir;

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void a_base_model_comes_whole_and_nothing_else_of_its_repository() throws IOException {
        PulledModel pulled = pull(server.settings());

        assertThat(pulled.folder()).isEqualTo(folder());
        assertThat(names(folder())).containsExactly("config.json", WEIGHTS, "tokenizer.json");
        assertThat(Files.readAllBytes(folder().resolve(WEIGHTS))).isEqualTo(LARGE);
        assertThat(pulled.receivedBytes()).isEqualTo(progressBytes.get()).isEqualTo(LARGE.length + SMALL_BYTES);
        assertThat(names(dir)).containsExactly("tiny");
    }

    @Test
    void a_second_pull_downloads_nothing() throws IOException {
        pull(server.settings());
        long requests = server.fileRequests();

        PulledModel again = pull(server.settings());

        assertThat(again.receivedBytes()).isZero();
        assertThat(server.fileRequests()).isEqualTo(requests);
    }

    @Test
    void a_file_that_broke_off_goes_on_where_it_was_if_it_is_still_the_same() throws IOException {
        server.then(Trouble.NONE, Trouble.NONE, Trouble.truncatedAfter(1_000_000));

        PulledModel pulled = pull(server.settings());

        assertThat(Files.readAllBytes(folder().resolve(WEIGHTS))).isEqualTo(LARGE);
        assertThat(pulled.receivedBytes()).isEqualTo(LARGE.length + SMALL_BYTES);
        Received last = server.received.get(server.received.size() - 1);
        assertThat(last.header("Range"))
                .hasValueSatisfying(range -> assertThat(range).matches("bytes=[1-9][0-9]*-"));
        assertThat(last.header("If-range"))
                .hasValueSatisfying(tag -> assertThat(tag).startsWith("\""));
        assertThat(pauses).containsExactly(Duration.ofSeconds(1));
    }

    @Test
    void a_later_pull_goes_on_where_an_earlier_one_gave_up() throws IOException {
        server.then(Trouble.NONE, Trouble.NONE, Trouble.truncatedAfter(1_000_000));
        server.then(troubles(Attempts.MAX, Trouble.status(503)));
        assertThatThrownBy(() -> pull(server.settings()))
                .isInstanceOf(HubUnreachableException.class)
                .hasMessageContaining("run the same command again");
        assertThat(folder()).doesNotExist();

        PulledModel pulled = pull(server.settings());

        assertThat(Files.readAllBytes(folder().resolve(WEIGHTS))).isEqualTo(LARGE);
        assertThat(pulled.receivedBytes()).isBetween(1L, LARGE.length - 900_000L);
        assertThat(names(dir)).containsExactly("tiny");
    }

    @Test
    void a_file_that_changed_in_between_comes_from_its_beginning() throws IOException {
        server.then(Trouble.NONE, Trouble.NONE, Trouble.truncatedAfter(1_000_000));
        server.then(troubles(Attempts.MAX, Trouble.status(503)));
        assertThatThrownBy(() -> pull(server.settings())).isInstanceOf(HubUnreachableException.class);
        server.renameTags();

        assertThat(pull(server.settings()).receivedBytes()).isEqualTo(LARGE.length);
        assertThat(Files.readAllBytes(folder().resolve(WEIGHTS))).isEqualTo(LARGE);
    }

    @Test
    void a_server_without_ranges_gives_the_whole_file_again() throws IOException {
        server.forgetRanges();
        server.then(Trouble.NONE, Trouble.NONE, Trouble.truncatedAfter(1_000_000));

        pull(server.settings());

        assertThat(Files.readAllBytes(folder().resolve(WEIGHTS))).isEqualTo(LARGE);
        assertThat(progressBytes.get()).isEqualTo(LARGE.length + SMALL_BYTES);
    }

    @Test
    void a_hub_that_is_busy_is_asked_again_after_the_time_that_it_names() throws IOException {
        String date = DateTimeFormatter.RFC_1123_DATE_TIME.format(
                ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(100));
        server.then(
                Trouble.status(429, "Retry-After", "7"),
                Trouble.status(503, "Retry-After", date),
                Trouble.status(500, "Retry-After", "soon"));

        pull(server.settings());

        assertThat(pauses).hasSize(3);
        assertThat(pauses.get(0)).isEqualTo(Duration.ofSeconds(7));
        assertThat(pauses.get(1)).isBetween(Duration.ofSeconds(60), Duration.ofSeconds(101));
        assertThat(pauses.get(2)).isEqualTo(Duration.ofSeconds(4));
    }

    @Test
    void a_hub_that_asks_for_more_patience_than_there_is_ends_the_pull() {
        server.then(Trouble.status(429, "Retry-After", "301"));

        assertThatThrownBy(() -> pull(server.settings()))
                .isInstanceOf(HubUnreachableException.class)
                .hasMessageContaining("301 s");
        assertThat(pauses).isEmpty();
    }

    @Test
    void attempts_are_bounded() {
        server.then(troubles(100, Trouble.status(502)));

        assertThatThrownBy(() -> pull(server.settings()))
                .isInstanceOf(HubUnreachableException.class)
                .hasMessageContaining("502")
                .hasMessageContaining(Attempts.MAX + " attempts");
        assertThat(pauses).hasSize(Attempts.MAX - 1).isSorted();
    }

    @Test
    void progress_gives_all_attempts_back() throws IOException {
        List<Trouble> rough = new ArrayList<>(List.of(Trouble.NONE, Trouble.NONE));
        rough.addAll(List.of(troubles(Attempts.MAX - 2, Trouble.status(503))));
        rough.add(Trouble.truncatedAfter(2_000_000));
        rough.addAll(List.of(troubles(Attempts.MAX - 2, Trouble.status(503))));
        server.then(rough.toArray(Trouble[]::new));

        pull(server.settings());

        assertThat(Files.readAllBytes(folder().resolve(WEIGHTS))).isEqualTo(LARGE);
    }

    @Test
    void a_damaged_file_is_fetched_once_more() throws IOException {
        server.then(Trouble.NONE, Trouble.NONE, Trouble.damaged());

        pull(server.settings());

        assertThat(Files.readAllBytes(folder().resolve(WEIGHTS))).isEqualTo(LARGE);
        assertThat(progressBytes.get()).isEqualTo(LARGE.length + SMALL_BYTES);
    }

    @Test
    void a_file_that_stays_damaged_is_not_kept() throws IOException {
        server.then(Trouble.NONE, Trouble.NONE, Trouble.damaged(), Trouble.damaged());

        assertThatThrownBy(() -> pull(server.settings()))
                .isInstanceOf(DamagedDownloadException.class)
                .hasMessageContaining(WEIGHTS)
                .hasMessageContaining("SHA-256");
        assertThat(folder()).doesNotExist();
        try (Stream<Path> left = Files.walk(dir)) {
            assertThat(left.filter(path -> path.getFileName().toString().startsWith(WEIGHTS))
                            .mapToLong(path -> path.toFile().length())
                            .sum())
                    .isZero();
        }
    }

    @Test
    void small_files_are_checked_by_their_git_checksum() {
        server.then(Trouble.damaged(), Trouble.damaged());

        assertThatThrownBy(() -> pull(server.settings()))
                .isInstanceOf(DamagedDownloadException.class)
                .hasMessageContaining("config.json")
                .hasMessageContaining("SHA-1");
    }

    @Test
    void the_token_goes_to_the_hub_and_to_nobody_else() throws IOException {
        server.requiring("hf_secret");

        pull(server.settings("hf_secret"));

        assertThat(server.received).anyMatch(request -> !request.byHub());
        assertThat(server.received)
                .allSatisfy(request -> assertThat(request.header("Authorization"))
                        .isEqualTo(request.byHub() ? Optional.of("Bearer hf_secret") : Optional.empty()));
    }

    @Test
    void a_folder_with_something_else_in_it_is_left_as_it_is() throws IOException {
        Files.createDirectories(folder());
        Files.writeString(folder().resolve("config.json"), "mine");

        assertThatThrownBy(() -> pull(server.settings()))
                .isInstanceOf(DownloadFolderException.class)
                .hasMessageContaining("--to");
        assertThat(folder().resolve("config.json")).hasContent("mine");
        assertThat(server.fileRequests()).isZero();
    }

    @Test
    void two_pulls_of_the_same_do_not_write_over_each_other() throws IOException {
        Path staging = dir.resolve(".tiny." + HubServer.COMMIT.substring(0, 12) + ".part");
        Files.createDirectories(staging);
        try (PartFile other = PartFile.of(staging.resolve("config.json"))) {
            assertThatThrownBy(() -> pull(server.settings()))
                    .isInstanceOf(DownloadFolderException.class)
                    .hasMessageContaining("another pull");
            assertThat(other.sizeBytes()).isZero();
        }
    }

    @Test
    void a_disk_without_room_is_seen_before_anything_is_downloaded() {
        server.describing(
                "{\"rfilename\":\"vocab.json\",\"size\":%d,\"blobId\":\"%s\"}".formatted(1L << 60, "a".repeat(40)));

        assertThatThrownBy(() -> pull(server.settings()))
                .isInstanceOf(DownloadFolderException.class)
                .hasMessageContaining("room");
        assertThat(server.fileRequests()).isZero();
    }

    private PulledModel pull(HubSettings settings) throws IOException {
        progressBytes.set(0);
        Hub hub = new Hub(settings, HubLimits.DEFAULTS, pauses::add);
        RepositorySnapshot snapshot = hub.snapshot(ModelReference.parse(HubServer.REPOSITORY));
        return hub.pull(snapshot, ModelFiles.of(snapshot), folder(), progressBytes::addAndGet);
    }

    private Path folder() {
        return dir.resolve("tiny");
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static Trouble[] troubles(int count, Trouble trouble) {
        return Stream.generate(() -> trouble).limit(count).toArray(Trouble[]::new);
    }

    private static byte[] random(int bytes) {
        byte[] content = new byte[bytes];
        new Random(1).nextBytes(content);
        return content;
    }
}
