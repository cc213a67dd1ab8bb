package io.quiver.client.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * The beginning of a file that is on its way: the bytes in {@code NAME.part}, and beside them the entity tag that they came with.
 * One writer at a time: it is locked while open. Used by one thread.
 */
final class PartFile implements AutoCloseable {
    private static final long TAG_BYTES_MAX = 1000;

    private final Path part;
    private final Path tagFile;
    private final FileChannel channel;

    private PartFile(Path part, Path tagFile, FileChannel channel) {
        this.part = part;
        this.tagFile = tagFile;
        this.channel = channel;
    }

    /**
     * Opens what has come of a file, nothing at first.
     *
     * @param target where the file will lie
     * @throws DownloadFolderException if somebody else is writing it
     */
    static PartFile of(Path target) throws IOException {
        Path part = target.resolveSibling(target.getFileName() + ".part");
        FileChannel channel = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                channel.position(channel.size());
                return new PartFile(part, target.resolveSibling(target.getFileName() + ".part.etag"), channel);
            }
        } catch (OverlappingFileLockException e) {
            // Said below: the other one is in this process.
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        channel.close();
        throw new DownloadFolderException("another pull is writing " + part + ": wait for it, or stop it");
    }

    long sizeBytes() throws IOException {
        return channel.size();
    }

    /** The entity tag of the bytes that are here; weak ones cannot continue anything and are not kept. */
    Optional<String> tag() throws IOException {
        return Files.isRegularFile(tagFile) && Files.size(tagFile) <= TAG_BYTES_MAX
                ? Optional.of(Files.readString(tagFile))
                : Optional.empty();
    }

    /** Begins anew, with bytes that come with this tag. */
    void restart(Optional<String> tag) throws IOException {
        channel.truncate(0);
        channel.position(0);
        Files.deleteIfExists(tagFile);
        Optional<String> strong = tag.filter(text -> text.matches("\"[\\x21\\x23-\\x7e]{1,200}\""));
        if (strong.isPresent()) {
            Files.writeString(tagFile, strong.get());
        }
    }

    void append(byte[] bytes, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, length);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    Path path() {
        return part;
    }

    /** Gives the whole file its name. */
    void finish(Path target) throws IOException {
        channel.force(true);
        Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        Files.deleteIfExists(tagFile);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
