package io.quiver.client.hub;

import io.quiver.client.Pause;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A hub that speaks as Hugging Face's does: {@code /api/models/ORG/NAME/revision/REVISION} describes a revision, and
 * {@code /ORG/NAME/resolve/COMMIT/FILE} gives a file or says where it is stored. All methods throw {@link HubException}. Thread-safe.
 */
public final class Hub {
    private static final JsonMapper JSON = JsonMapper.shared();

    private final HubSettings settings;
    private final HubLimits limits;
    private final Pause pause;
    private final HubRequests requests;

    public Hub(HubSettings settings, HubLimits limits, Pause pause) {
        this.settings = settings;
        this.limits = limits;
        this.pause = pause;
        this.requests = new HubRequests(settings, limits);
    }

    /** Resolves a revision to its commit and lists all files of it with sizes and checksums. */
    public RepositorySnapshot snapshot(ModelReference reference) {
        String path =
                "/api/models/" + reference.repository() + "/revision/" + encoded(reference.revision()) + "?blobs=true";
        Attempts attempts = new Attempts(pause, limits.retryAfterMax());
        while (true) {
            try {
                return snapshot(reference, listing(reference, path));
            } catch (TransientFailureException e) {
                attempts.failed(e);
            }
        }
    }

    /**
     * Downloads files, so that a folder holds all of them or is not there.
     *
     * @see PullFiles#into
     */
    public PulledModel pull(RepositorySnapshot snapshot, ModelFiles files, Path folder, LongConsumer progress)
            throws IOException {
        return new PullFiles(new DownloadFile(this, () -> new Attempts(pause, limits.retryAfterMax())))
                .into(folder, snapshot, files, progress);
    }

    /** Asks for a file from a byte on; {@code ifRange} is the entity tag that the bytes before it came with. */
    HubRequests.Answer open(RepositorySnapshot snapshot, RepositoryFile file, long fromByte, Optional<String> ifRange)
            throws TransientFailureException {
        String encodedPath =
                Arrays.stream(file.path().split("/")).map(Hub::encoded).collect(Collectors.joining("/"));
        Map<String, String> headers = new LinkedHashMap<>();
        if (fromByte > 0) {
            headers.put("Range", "bytes=" + fromByte + "-");
            ifRange.ifPresent(tag -> headers.put("If-Range", tag));
        }
        return requests.get(
                snapshot.reference(),
                "/" + snapshot.reference().repository() + "/resolve/" + snapshot.commit() + "/" + encodedPath,
                headers);
    }

    private byte[] listing(ModelReference reference, String path) throws TransientFailureException {
        try (HubRequests.Answer answer = requests.get(reference, path, Map.of("Accept", "application/json"))) {
            byte[] bytes = answer.body().readNBytes(limits.listingBytesMax() + 1);
            if (bytes.length > limits.listingBytesMax()) {
                throw new UnexpectedHubAnswerException(
                        "the description of " + reference + " has more than " + limits.listingBytesMax() + " bytes");
            }
            return bytes;
        } catch (IOException e) {
            throw new TransientFailureException(
                    "the description of " + reference + " broke off: " + HubRequests.why(e), e);
        }
    }

    private RepositorySnapshot snapshot(ModelReference reference, byte[] json) {
        try {
            JsonNode root = JSON.readTree(json);
            JsonNode siblings = root.path("siblings");
            if (!siblings.isArray() || siblings.size() > limits.filesMax()) {
                throw new UnexpectedHubAnswerException(
                        siblings.isArray()
                                ? reference + " has more than " + limits.filesMax() + " files"
                                : settings.endpoint() + " does not describe " + reference + " as a hub does");
            }
            List<RepositoryFile> files = new ArrayList<>();
            siblings.forEach(sibling -> files.add(file(sibling)));
            return new RepositorySnapshot(reference, root.path("sha").asString(""), files);
        } catch (JacksonException | IllegalArgumentException e) {
            throw new UnexpectedHubAnswerException(
                    settings.endpoint() + " does not describe " + reference + " as a hub does: " + e.getMessage(), e);
        }
    }

    private static RepositoryFile file(JsonNode sibling) {
        JsonNode lfs = sibling.path("lfs");
        Checksum checksum = lfs.isObject()
                ? new Checksum(Checksum.Algorithm.SHA256, lfs.path("sha256").asString(""))
                : new Checksum(
                        Checksum.Algorithm.GIT_BLOB, sibling.path("blobId").asString(""));
        return new RepositoryFile(
                sibling.path("rfilename").asString(""), sibling.path("size").asLong(-1), checksum);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
