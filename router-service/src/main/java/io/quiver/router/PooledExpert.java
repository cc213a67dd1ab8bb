package io.quiver.router;

import io.quiver.decoder.Expert;
import java.util.concurrent.CompletableFuture;

/** An expert in the pool, or on its way there. Its numbers are guarded by the pool. */
final class PooledExpert {
    final CompletableFuture<Expert> expert = new CompletableFuture<>();
    final long fileBytes;
    int pins;
    /** What is resident for it beside its weights. */
    long besideBytes;

    PooledExpert(long fileBytes) {
        this.fileBytes = fileBytes;
    }

    /** What the files have until it is loaded, then what it takes, which grows with the largest rank beside it. */
    long bytes() {
        return expert.isDone() && !expert.isCompletedExceptionally()
                ? expert.join().residentBytes() + besideBytes
                : fileBytes;
    }
}
