package io.quiver.objectstore.minio;

import io.minio.MinioAsyncClient;
import io.minio.errors.MinioException;
import io.quiver.objectstore.ObjectKey;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** Sends requests through the MinIO client, waits for their answers, and sends them again where that may help. */
final class Requests {
    private final MinioAsyncClient client;
    private final Retries retries;

    Requests(MinioAsyncClient client, Retries retries) {
        this.client = client;
        this.retries = retries;
    }

    /** A request as the client sends it. */
    @FunctionalInterface
    interface Request<T> {
        CompletableFuture<T> send(MinioAsyncClient client) throws MinioException;
    }

    /** @param key the object whose absence is to be reported as such, if any */
    <T> T send(String what, @Nullable ObjectKey key, Request<T> request) {
        return retries.call(() -> sendOnce(what, key, request));
    }

    /** Like {@link #send}, but only once, and failing with {@link RequestFailed}. */
    <T> T sendOnce(String what, @Nullable ObjectKey key, Request<T> request) {
        try {
            return request.send(client).join();
        } catch (CompletionException | MinioException e) {
            throw RequestFailed.of(what, key, e);
        }
    }
}
