package io.quiver.cli.eval;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The answers of an evaluation as they come, so that one that breaks off can go on: a line of JSON with the library, then one for each
 * answer. Thread-safe.
 */
public final class AnswerLog implements AutoCloseable {
    private static final long BYTES_MAX = 1L << 30;
    private static final JsonMapper JSON = JsonMapper.shared();

    private final FileChannel channel;
    private final Map<Key, JsonNode> known = new HashMap<>();

    private record Key(String strategy, String skill, String prompt, String right) {
        static Key of(EvaluatedStrategy strategy, Question question) {
            return new Key(strategy.label(), question.skill(), question.prompt(), question.answer());
        }
    }

    private AnswerLog(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Opens a file, which is made if it is not there. A last line that was cut off is dropped.
     *
     * @throws UnusableQuestionsException if it has answers of another library, or is no such file
     */
    public static AnswerLog open(Path file, Library library) throws IOException {
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        AnswerLog log = new AnswerLog(channel);
        try {
            log.read(file, head(library));
            return log;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static ObjectNode head(Library library) {
        ObjectNode head = JSON.createObjectNode().put("base", library.base());
        ArrayNode references = head.putArray("library");
        library.references().forEach(references::add);
        return head;
    }

    private void read(Path file, ObjectNode head) throws IOException {
        if (channel.size() > BYTES_MAX) {
            throw new UnusableQuestionsException(file + " has " + channel.size() + " bytes; the limit is " + BYTES_MAX);
        }
        ByteBuffer bytes = ByteBuffer.allocate((int) channel.size());
        while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
            // A read may bring less than there is.
        }
        int whole = bytes.position();
        while (whole > 0 && bytes.get(whole - 1) != '\n') {
            whole--;
        }
        channel.truncate(whole);
        channel.position(whole);
        Iterator<String> lines = new String(bytes.array(), 0, whole, StandardCharsets.UTF_8)
                .lines()
                .iterator();
        if (!lines.hasNext()) {
            write(head);
            return;
        }
        if (!head.equals(json(file, lines.next()))) {
            throw new UnusableQuestionsException(
                    file + " has answers of another library, or of none: this one is " + head + ". Give another file");
        }
        while (lines.hasNext()) {
            JsonNode line = json(file, lines.next());
            known.put(
                    new Key(
                            line.path("strategy").asString(""),
                            line.path("skill").asString(""),
                            line.path("prompt").asString(""),
                            line.path("right").asString("")),
                    line);
        }
    }

    private static JsonNode json(Path file, String line) {
        try {
            return JSON.readTree(line);
        } catch (JacksonException e) {
            throw new UnusableQuestionsException(file + " is no file of answers: " + e.getOriginalMessage());
        }
    }

    /** The answer of an earlier run. */
    public synchronized Optional<Answered> find(EvaluatedStrategy strategy, Question question) {
        return Optional.ofNullable(known.get(Key.of(strategy, question)))
                .map(line -> new Answered(
                        question,
                        line.path("answer").asString(""),
                        line.path("ended").asBoolean(false),
                        line.path("chosen").asString(""),
                        line.path("elapsed_millis").asLong(0),
                        line.path("routing")));
    }

    /** Adds an answer; it is in the file when this returns. */
    public synchronized void add(EvaluatedStrategy strategy, Answered answered) {
        ObjectNode line = JSON.createObjectNode()
                .put("strategy", strategy.label())
                .put("skill", answered.question().skill())
                .put("prompt", answered.question().prompt())
                .put("right", answered.question().answer())
                .put("answer", answered.text())
                .put("ended", answered.ended())
                .put("chosen", answered.chosen())
                .put("elapsed_millis", answered.elapsedMillis());
        line.set("routing", answered.routing());
        try {
            write(line);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void write(ObjectNode line) throws IOException {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(line + "\n");
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
