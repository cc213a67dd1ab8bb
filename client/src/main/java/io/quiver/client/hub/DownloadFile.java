package io.quiver.client.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.function.Supplier;

/** Brings one file of a repository here: goes on where it was broken off, and gives it its name when its content is right. */
final class DownloadFile {
    /** What has to come in one attempt for all attempts to be free again. */
    private static final long PROGRESS_BYTES = 1 << 20;

    private static final int BUFFER_BYTES = 1 << 16;

    private final Hub hub;
    private final Supplier<Attempts> attempts;

    DownloadFile(Hub hub, Supplier<Attempts> attempts) {
        this.hub = hub;
        this.attempts = attempts;
    }

    /**
     * Downloads a file unless it is in the folder already.
     *
     * @param progress hears of bytes that are here, also those from before; of a negative number where some were of no use
     * @return bytes that came over the network
     * @throws DamagedDownloadException if the content is wrong twice
     */
    long into(Path folder, RepositorySnapshot snapshot, RepositoryFile file, LongConsumer progress) throws IOException {
        Path target = folder.resolve(file.path());
        if (Files.isRegularFile(target) && Files.size(target) == file.sizeBytes()) {
            // It got its name when its content was found right.
            progress.accept(file.sizeBytes());
            return 0;
        }
        try (PartFile part = PartFile.of(target)) {
            Transfer transfer = new Transfer(snapshot, file, part, progress);
            progress.accept(part.sizeBytes());
            String found = "";
            for (int tries = 0; tries < 2; tries++) {
                transfer.complete();
                Checksum actual = Checksum.of(file.checksum().algorithm(), part.path());
                if (actual.equals(file.checksum())) {
                    part.finish(target);
                    return transfer.receivedBytes;
                }
                found = actual.toString();
                transfer.restart(Optional.empty());
            }
            throw new DamagedDownloadException(file.path() + " of "
                    + snapshot.reference().repository() + " came with " + found + ", but the hub names it "
                    + file.checksum() + ": nothing of it was kept. Something between here and there changes it");
        }
    }

    /** One file on its way. */
    private final class Transfer {
        private final RepositorySnapshot snapshot;
        private final RepositoryFile file;
        private final PartFile part;
        private final LongConsumer progress;
        private long receivedBytes;

        Transfer(RepositorySnapshot snapshot, RepositoryFile file, PartFile part, LongConsumer progress) {
            this.snapshot = snapshot;
            this.file = file;
            this.part = part;
            this.progress = progress;
        }

        /** Asks until as many bytes are here as the file has. */
        void complete() throws IOException {
            Attempts left = attempts.get();
            if (part.sizeBytes() > file.sizeBytes()) {
                restart(Optional.empty());
            }
            while (part.sizeBytes() < file.sizeBytes()) {
                long before = receivedBytes;
                try {
                    goOn();
                } catch (TransientFailureException e) {
                    if (receivedBytes - before >= PROGRESS_BYTES) {
                        left.progressed();
                    }
                    left.failed(e);
                }
            }
        }

        private void goOn() throws IOException, TransientFailureException {
            long from = part.sizeBytes();
            try (HubRequests.Answer answer = hub.open(snapshot, file, from, part.tag())) {
                String range = answer.header("content-range").orElse("");
                if (answer.status() == 200) {
                    // The whole of it: the server cannot continue, or what it has is not what the part came from.
                    restart(answer.header("etag"));
                } else if (answer.status() != 206 || !range.startsWith("bytes " + from + "-")) {
                    restart(Optional.empty());
                    throw new TransientFailureException(
                            file.path() + " could not be continued at byte " + from, Optional.empty());
                }
                copy(answer.body());
            }
        }

        private void copy(InputStream in) throws IOException, TransientFailureException {
            byte[] buffer = new byte[BUFFER_BYTES]; // (BUFFER_BYTES)
            long missing = file.sizeBytes() - part.sizeBytes();
            while (missing > 0) {
                int read = read(in, buffer, (int) Math.min(buffer.length, missing));
                part.append(buffer, read);
                receivedBytes += read;
                missing -= read;
                progress.accept(read);
            }
        }

        /** Reads at least one byte; what goes wrong on the network is apart from what goes wrong on the disk. */
        private int read(InputStream in, byte[] buffer, int length) throws TransientFailureException {
            try {
                int read = in.read(buffer, 0, length);
                if (read > 0) {
                    return read;
                }
            } catch (IOException e) {
                throw new TransientFailureException(file.path() + " broke off: " + HubRequests.why(e), e);
            }
            throw new TransientFailureException(file.path() + " broke off before its end", Optional.empty());
        }

        void restart(Optional<String> tag) throws IOException {
            progress.accept(-part.sizeBytes());
            part.restart(tag);
        }
    }
}
