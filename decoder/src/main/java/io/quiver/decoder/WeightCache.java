package io.quiver.decoder;

import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * Where a model's weights are kept between two starts in the form in which they are multiplied, so that the second one maps them.
 *
 * @param folder that is written to; it is made if it is not there, and what is in it may be deleted at any time
 * @param modelDigest {@code sha256:…} of the model's files. Whoever gives it vouches for it: weights that were kept under the same digest
 *     are used in their place.
 */
public record WeightCache(Path folder, String modelDigest) {
    private static final Pattern DIGEST = Pattern.compile("sha256:[0-9a-f]{64}");

    public WeightCache {
        if (!DIGEST.matcher(modelDigest).matches()) {
            throw new IllegalArgumentException("not a digest: '" + modelDigest + "'");
        }
    }
}
