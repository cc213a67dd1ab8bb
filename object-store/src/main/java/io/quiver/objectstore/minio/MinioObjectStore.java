package io.quiver.objectstore.minio;

import io.minio.BucketExistsArgs;
import io.minio.CopyObjectArgs;
import io.minio.GetObjectArgs;
import io.minio.ListObjectsArgs;
import io.minio.MakeBucketArgs;
import io.minio.MinioAsyncClient;
import io.minio.RemoveObjectArgs;
import io.minio.Result;
import io.minio.SourceObject;
import io.minio.StatObjectArgs;
import io.minio.errors.MinioException;
import io.minio.messages.Item;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectNotFoundException;
import io.quiver.objectstore.ObjectStore;
import io.quiver.objectstore.ObjectStoreSettings;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The object store in a bucket of any S3 server, through the MinIO client. */
public final class MinioObjectStore implements ObjectStore {
    private static final Logger LOG = LoggerFactory.getLogger(MinioObjectStore.class);

    /** What one upload holds on the heap. With 10,000 parts, streams of unknown length end at 80 GB. */
    private static final int PART_BYTES = 8 << 20;

    /** The largest object that S3 copies in one request. */
    private static final long WHOLE_COPY_BYTES_MAX = 5L << 30;

    private static final int REQUESTS_AT_ONCE = 64;
    private static final Set<String> BUCKET_IS_THERE = Set.of("BucketAlreadyOwnedByYou", "BucketAlreadyExists");

    private final MinioAsyncClient client;
    private final Requests requests;
    private final String bucket;
    private final String where;
    private final long wholeCopyBytesMax;
    private final Retries retriesOfStart;

    public MinioObjectStore(ObjectStoreSettings settings) {
        this(settings, WHOLE_COPY_BYTES_MAX, Retries.OF_START);
    }

    /** For tests: copies in parts that need not be huge, and a start that gives up soon. */
    MinioObjectStore(ObjectStoreSettings settings, long wholeCopyBytesMax, Retries retriesOfStart) {
        this.client = MinioAsyncClient.builder()
                .endpoint(settings.endpoint())
                .credentials(settings.accessKey(), settings.secretKey())
                .region(settings.region())
                .httpClient(httpClient(), true)
                .build();
        this.requests = new Requests(client, Retries.OF_REQUESTS);
        this.bucket = settings.bucket();
        this.where = "bucket " + settings.bucket() + " at " + settings.endpoint();
        this.wholeCopyBytesMax = wholeCopyBytesMax;
        this.retriesOfStart = retriesOfStart;
    }

    /** Without the client's own retries, so that there is one place that repeats requests: {@link Retries}. */
    private static OkHttpClient httpClient() {
        Dispatcher dispatcher = new Dispatcher();
        dispatcher.setMaxRequests(REQUESTS_AT_ONCE);
        dispatcher.setMaxRequestsPerHost(REQUESTS_AT_ONCE);
        return new OkHttpClient.Builder()
                .dispatcher(dispatcher)
                .protocols(List.of(Protocol.HTTP_1_1))
                .connectTimeout(Duration.ofSeconds(5))
                .readTimeout(Duration.ofSeconds(60))
                .writeTimeout(Duration.ofSeconds(60))
                .build();
    }

    @Override
    public void ensureBucket() {
        retriesOfStart.call(() -> {
            boolean exists = requests.sendOnce(
                    "look for " + where,
                    null,
                    s3 -> s3.bucketExists(
                            BucketExistsArgs.builder().bucket(bucket).build()));
            if (!exists) {
                makeBucket();
            }
            return exists;
        });
    }

    private void makeBucket() {
        try {
            requests.sendOnce(
                    "make " + where,
                    null,
                    s3 -> s3.makeBucket(MakeBucketArgs.builder().bucket(bucket).build()));
            LOG.info("made {}", where);
        } catch (RequestFailed failed) {
            // Several services start at once, and one of them is first.
            if (!BUCKET_IS_THERE.contains(failed.code())) {
                throw failed;
            }
        }
    }

    @Override
    public void put(ObjectKey key, InputStream content, long sizeBytes) {
        if (sizeBytes < 0) {
            throw new IllegalArgumentException("sizeBytes must not be negative, but is " + sizeBytes);
        }
        new PartwiseUpload(requests, bucket, key, content).store(sizeBytes, PART_BYTES);
    }

    @Override
    public long putStream(ObjectKey key, InputStream content) {
        return new PartwiseUpload(requests, bucket, key, content).storeAll(PART_BYTES);
    }

    @Override
    public InputStream get(ObjectKey key) {
        return open(key, null, null);
    }

    @Override
    public InputStream get(ObjectKey key, long offsetBytes, long lengthBytes) {
        if (offsetBytes < 0 || lengthBytes < 0) {
            throw new IllegalArgumentException(
                    "neither offset nor length may be negative, but they are " + offsetBytes + " and " + lengthBytes);
        }
        if (lengthBytes == 0) {
            // S3 has no empty ranges.
            if (find(key).isEmpty()) {
                throw new ObjectNotFoundException(key);
            }
            return InputStream.nullInputStream();
        }
        return open(key, offsetBytes, lengthBytes);
    }

    private InputStream open(ObjectKey key, @Nullable Long offsetBytes, @Nullable Long lengthBytes) {
        GetObjectArgs.Builder args = GetObjectArgs.builder().bucket(bucket).object(key.value());
        if (offsetBytes != null && lengthBytes != null) {
            args.offset(offsetBytes).length(lengthBytes);
        }
        return requests.send("read " + key, key, s3 -> s3.getObject(args.build()));
    }

    @Override
    public Optional<ObjectInfo> find(ObjectKey key) {
        try {
            var stat = requests.send(
                    "look at " + key,
                    key,
                    s3 -> s3.statObject(StatObjectArgs.builder()
                            .bucket(bucket)
                            .object(key.value())
                            .build()));
            return Optional.of(
                    new ObjectInfo(key, stat.size(), stat.lastModified().toInstant()));
        } catch (ObjectNotFoundException e) {
            return Optional.empty();
        }
    }

    @Override
    public void copy(ObjectKey from, ObjectKey to) {
        long sizeBytes =
                find(from).orElseThrow(() -> new ObjectNotFoundException(from)).sizeBytes();
        if (sizeBytes > wholeCopyBytesMax) {
            copyInParts(from, to, sizeBytes);
            return;
        }
        requests.send(
                "copy " + from + " to " + to,
                from,
                s3 -> s3.copyObject(CopyObjectArgs.builder()
                        .bucket(bucket)
                        .object(to.value())
                        .source(SourceObject.builder()
                                .bucket(bucket)
                                .object(from.value())
                                .build())
                        .build()));
    }

    /** In parts of nearly equal length, so that none is below the smallest that S3 takes. */
    private void copyInParts(ObjectKey from, ObjectKey to, long sizeBytes) {
        MultipartUpload upload = MultipartUpload.ofCopies(requests, bucket, to);
        try {
            long count = (sizeBytes + wholeCopyBytesMax - 1) / wholeCopyBytesMax;
            long lengthBytes = (sizeBytes + count - 1) / count;
            for (long offsetBytes = 0; offsetBytes < sizeBytes; offsetBytes += lengthBytes) {
                upload.addRange(from, offsetBytes, Math.min(lengthBytes, sizeBytes - offsetBytes));
            }
            upload.complete();
        } catch (RuntimeException | Error e) {
            upload.abort(e);
            throw e;
        }
    }

    @Override
    public void delete(ObjectKey key) {
        try {
            requests.send(
                    "delete " + key,
                    key,
                    s3 -> s3.removeObject(RemoveObjectArgs.builder()
                            .bucket(bucket)
                            .object(key.value())
                            .build()));
        } catch (ObjectNotFoundException e) {
            LOG.debug("{} was already gone", key);
        }
    }

    @Override
    public List<ObjectInfo> list(String prefix) {
        return Retries.OF_REQUESTS.call(() -> listOnce(prefix));
    }

    private List<ObjectInfo> listOnce(String prefix) {
        List<ObjectInfo> found = new ArrayList<>();
        ListObjectsArgs args = ListObjectsArgs.builder()
                .bucket(bucket)
                .prefix(prefix)
                .recursive(true)
                .build();
        try {
            for (Result<Item> result : client.listObjects(args)) {
                Item item = result.get();
                if (ObjectKey.isKey(item.objectName())) {
                    found.add(new ObjectInfo(
                            new ObjectKey(item.objectName()),
                            item.size(),
                            item.lastModified().toInstant()));
                } else {
                    LOG.warn(
                            "left out of the list, since Quiver does not name objects like that: {}",
                            item.objectName());
                }
            }
        } catch (MinioException e) {
            throw RequestFailed.of("list " + prefix, null, e);
        }
        // S3 lists in this order already; stores that lay keys out as folders may not.
        found.sort(Comparator.comparing(info -> info.key().value()));
        return found;
    }

    @Override
    public void close() {
        client.close();
    }

    @Override
    public String toString() {
        return where;
    }
}
