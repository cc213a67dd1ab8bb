package io.quiver.router.web;

import io.quiver.router.RefusalCode;
import io.quiver.router.RequestRefusedException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** JSON of requests and answers: bounded, strict reading and plain writing. */
final class Json {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    static byte[] write(JsonNode node) {
        return MAPPER.writeValueAsBytes(node);
    }

    /**
     * Reads the object that a request brings.
     *
     * @throws RequestRefusedException if it is larger than that, or no JSON object
     */
    static JsonNode read(HttpServletRequest request, int bytesMax) throws IOException {
        byte[] bytes = request.getInputStream().readNBytes(bytesMax + 1);
        if (bytes.length > bytesMax) {
            throw new RequestRefusedException(
                    RefusalCode.BODY_TOO_LARGE, "the request has more than " + bytesMax + " bytes", null);
        }
        try {
            JsonNode node = MAPPER.readTree(bytes);
            if (node.isObject()) {
                return node;
            }
            throw new RequestRefusedException(RefusalCode.INVALID_REQUEST, "the request must be a JSON object", null);
        } catch (JacksonException e) {
            throw new RequestRefusedException(
                    RefusalCode.INVALID_REQUEST, "the request is no JSON: " + e.getOriginalMessage(), null, e);
        }
    }
}
