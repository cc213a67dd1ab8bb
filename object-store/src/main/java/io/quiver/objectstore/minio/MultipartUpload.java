package io.quiver.objectstore.minio;

import io.minio.AbortMultipartUploadArgs;
import io.minio.Checksum;
import io.minio.CompleteMultipartUploadArgs;
import io.minio.ComposeObjectArgs;
import io.minio.CreateMultipartUploadArgs;
import io.minio.Http;
import io.minio.SourceObject;
import io.minio.UploadPartArgs;
import io.minio.UploadPartCopyArgs;
import io.minio.errors.MinioException;
import io.minio.messages.Part;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStoreException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A multipart upload under way: its object appears as a whole when it is completed, and never if it is aborted. */
final class MultipartUpload {
    /** The number of parts that S3 allows in one upload. */
    static final int PART_COUNT_MAX = 10_000;

    static final String CONTENT_TYPE = "application/octet-stream";
    private static final Logger LOG = LoggerFactory.getLogger(MultipartUpload.class);

    private final Requests requests;
    private final String bucket;
    private final ObjectKey key;
    private final String uploadId;
    private final List<Part> parts = new ArrayList<>();

    private MultipartUpload(Requests requests, String bucket, ObjectKey key, Http.Headers headers) {
        headers.put("Content-Type", CONTENT_TYPE);
        this.requests = requests;
        this.bucket = bucket;
        this.key = key;
        this.uploadId = requests.send(
                        "begin to store " + key,
                        null,
                        s3 -> s3.createMultipartUpload(CreateMultipartUploadArgs.builder()
                                .bucket(bucket)
                                .object(key.value())
                                .headers(headers)
                                .build()))
                .result()
                .uploadId();
    }

    /** Begins an upload whose parts come from here. */
    static MultipartUpload ofBytes(Requests requests, String bucket, ObjectKey key) {
        return new MultipartUpload(
                requests,
                bucket,
                key,
                new Http.Headers("x-amz-checksum-algorithm", Checksum.Algorithm.CRC32C.toString()));
    }

    /** Begins an upload whose parts are ranges of an object in the same bucket. */
    static MultipartUpload ofCopies(Requests requests, String bucket, ObjectKey key) {
        return new MultipartUpload(requests, bucket, key, new Http.Headers());
    }

    /** Adds the first {@code length} bytes of the content; returns when the store has them. */
    void addBytes(byte[] content, int length) {
        int number = nextNumber();
        parts.add(requests.send(
                        "store part " + number + " of " + key,
                        null,
                        s3 -> s3.uploadPart(UploadPartArgs.builder()
                                .bucket(bucket)
                                .object(key.value())
                                .uploadId(uploadId)
                                .partNumber(number)
                                .data(content, length)
                                .headers(checksums(content, length))
                                .build()))
                .part());
    }

    /** Adds {@code lengthBytes} bytes, from {@code offsetBytes}, of another object; they do not pass through here. */
    void addRange(ObjectKey from, long offsetBytes, long lengthBytes) {
        int number = nextNumber();
        Http.Headers headers = new Http.Headers("x-amz-copy-source", "/" + bucket + "/" + from);
        headers.put(
                Http.Headers.X_AMZ_COPY_SOURCE_RANGE, "bytes=" + offsetBytes + "-" + (offsetBytes + lengthBytes - 1));
        // The client's own builder for this request cannot make it (its constructor is private), only this way can; and
        // composeObject, which would do all of it, adds a condition on the ETag that not every server understands.
        ComposeObjectArgs target = ComposeObjectArgs.builder()
                .bucket(bucket)
                .object(key.value())
                .sources(List.of(SourceObject.builder()
                        .bucket(bucket)
                        .object(from.value())
                        .build()))
                .build();
        parts.add(requests.send(
                        "copy part " + number + " of " + from + " to " + key,
                        from,
                        s3 -> s3.uploadPartCopy(new UploadPartCopyArgs(target, uploadId, number, headers)))
                .part());
    }

    void complete() {
        requests.send(
                "complete " + key,
                null,
                s3 -> s3.completeMultipartUpload(CompleteMultipartUploadArgs.builder()
                        .bucket(bucket)
                        .object(key.value())
                        .uploadId(uploadId)
                        .parts(parts.toArray(new Part[0]))
                        .build()));
    }

    /** Takes the parts back. What cannot be taken back is invisible to readers, but takes room until the store sweeps it. */
    void abort(Throwable reason) {
        try {
            requests.send(
                    "abort " + key,
                    null,
                    s3 -> s3.abortMultipartUpload(AbortMultipartUploadArgs.builder()
                            .bucket(bucket)
                            .object(key.value())
                            .uploadId(uploadId)
                            .build()));
        } catch (ObjectStoreException e) {
            LOG.warn("parts of the broken upload {} of {} are left in the store", uploadId, key);
            reason.addSuppressed(e);
        }
    }

    private int nextNumber() {
        if (parts.size() == PART_COUNT_MAX) {
            throw new ObjectStoreException(key + " is too large: it has more than " + PART_COUNT_MAX + " parts", null);
        }
        return parts.size() + 1;
    }

    /** SHA-256 signs the content, CRC-32C is what the store keeps with the part. */
    private static Http.Headers checksums(byte[] content, int length) {
        try {
            var hashers = Checksum.newHasherMap(
                    new Checksum.Algorithm[] {Checksum.Algorithm.CRC32C, Checksum.Algorithm.SHA256});
            Checksum.update(hashers, content, length);
            return Checksum.makeHeaders(hashers, true, false);
        } catch (MinioException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
