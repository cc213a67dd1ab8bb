package io.quiver.client.hub;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.function.LongConsumer;
import java.util.stream.Stream;

/** Brings the files of a model into a folder that is there only when all of them are. */
final class PullFiles {
    private static final int COMMIT_DIGITS = 12;

    private final DownloadFile download;

    PullFiles(DownloadFile download) {
        this.download = download;
    }

    /**
     * Downloads what is not here yet into {@code .FOLDER.COMMIT.part} beside the folder, and renames that at the end. Where the folder
     * is there and has these very files, nothing is downloaded; where it has others, nothing is touched.
     *
     * @throws DownloadFolderException if the folder has other files, another pull is at work, or the disk has no room
     * @throws IOException if the disk cannot be written
     */
    PulledModel into(Path folder, RepositorySnapshot snapshot, ModelFiles files, LongConsumer progress)
            throws IOException {
        Path target = folder.toAbsolutePath().normalize();
        Path name = target.getFileName();
        Path parent = target.getParent();
        if (name == null || parent == null) {
            throw new DownloadFolderException(folder + " cannot be made");
        }
        if (!isAbsentOrEmpty(target)) {
            requireSame(target, snapshot, files, progress);
            return new PulledModel(target, 0);
        }
        Path staging = parent.resolve("." + name + "." + snapshot.commit().substring(0, COMMIT_DIGITS) + ".part");
        Files.createDirectories(staging);
        requireRoom(staging, files);
        long receivedBytes = 0;
        for (RepositoryFile file : files.files()) {
            receivedBytes += download.into(staging, snapshot, file, progress);
        }
        Files.move(staging, target, StandardCopyOption.ATOMIC_MOVE);
        return new PulledModel(target, receivedBytes);
    }

    private static boolean isAbsentOrEmpty(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return true;
        }
        if (!Files.isDirectory(folder)) {
            throw new FileAlreadyExistsException(folder.toString());
        }
        try (Stream<Path> content = Files.list(folder)) {
            return content.findAny().isEmpty();
        }
    }

    private static void requireSame(Path folder, RepositorySnapshot snapshot, ModelFiles files, LongConsumer progress)
            throws IOException {
        for (RepositoryFile file : files.files()) {
            Path path = folder.resolve(file.path());
            if (!Files.isRegularFile(path)
                    || Files.size(path) != file.sizeBytes()
                    || !Checksum.of(file.checksum().algorithm(), path).equals(file.checksum())) {
                throw new DownloadFolderException(folder + " is there, but its " + file.path() + " is not that of "
                        + snapshot.reference().repository() + " at " + snapshot.commit()
                        + ": delete the folder, or name another one with --to");
            }
            progress.accept(file.sizeBytes());
        }
    }

    private static void requireRoom(Path staging, ModelFiles files) throws IOException {
        long here = 0;
        try (Stream<Path> content = Files.list(staging)) {
            for (Path file : content.toList()) {
                here += Files.size(file);
            }
        }
        long neededBytes = files.totalBytes() - here;
        long usableBytes = Files.getFileStore(staging).getUsableSpace();
        if (neededBytes > usableBytes) {
            throw new DownloadFolderException("the disk of " + staging.getParent() + " has room for " + usableBytes
                    + " bytes, but " + neededBytes + " are to come: make room, or name another folder with --to");
        }
    }
}
