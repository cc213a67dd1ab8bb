package io.quiver.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServerSentEventsTest {
    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r\n", "\r"})
    void events_are_read_with_every_kind_of_line_end(String end) throws IOException {
        assertThat(read("id: 7|event: AdapterReady|data: {\"a\":|data: 1}||data:x||".replace("|", end)))
                .containsExactly(
                        new ServerSentEvent("7", "AdapterReady", "{\"a\":\n1}"),
                        new ServerSentEvent("7", "message", "x"));
    }

    @Test
    void comments_and_unknown_fields_are_skipped() throws IOException {
        assertThat(read(": heartbeat\n\nretry: 100\nfoo: bar\ndata: x\n\n:\n\n"))
                .containsExactly(new ServerSentEvent("", "message", "x"));
    }

    @Test
    void an_event_that_the_end_cuts_off_is_dropped() throws IOException {
        assertThat(read("data: whole\n\ndata: half\n")).containsExactly(new ServerSentEvent("", "message", "whole"));
        assertThat(read("data: whole\n\ndata: half")).hasSize(1);
    }

    @Test
    void one_space_after_the_colon_is_left_out_and_no_more() throws IOException {
        assertThat(read("data:  x\n\n")).containsExactly(new ServerSentEvent("", "message", " x"));
        assertThat(read("data\n\n")).containsExactly(new ServerSentEvent("", "message", ""));
    }

    @Test
    void a_type_without_data_is_no_event_and_does_not_leak_into_the_next() throws IOException {
        assertThat(read("event: ghost\n\ndata: x\n\n")).containsExactly(new ServerSentEvent("", "message", "x"));
    }

    @Test
    void a_line_at_the_limit_is_read_and_a_longer_one_is_refused() throws IOException {
        String atLimit = "data:" + "x".repeat(ServerSentEvents.LINE_CHARS_MAX - 5);
        assertThat(read(atLimit + "\n\n")).hasSize(1);
        assertThatThrownBy(() -> read(atLimit + "x\n\n"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("more than");
    }

    private static List<ServerSentEvent> read(String stream) throws IOException {
        List<ServerSentEvent> events = new ArrayList<>();
        try (ServerSentEvents reader =
                new ServerSentEvents(new ByteArrayInputStream(stream.getBytes(StandardCharsets.UTF_8)))) {
            for (Optional<ServerSentEvent> event = reader.next(); event.isPresent(); event = reader.next()) {
                events.add(event.get());
            }
        }
        return events;
    }
}
