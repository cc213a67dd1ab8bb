package io.quiver.objectstore;

/**
 * Where the object store is and how to sign in. Services bind it from {@code quiver.object-store}, with Spring's
 * {@code Binder}.
 *
 * @param endpoint http or https, host and port, such as {@code http://127.0.0.1:7900}
 * @param accessKey not blank: a store without keys is open to everybody
 * @param bucket three to 63 lower-case letters, digits, dots and hyphens; made at the start if it is not there
 * @param region what requests are signed for, such as {@code us-east-1}; stores other than Amazon's mostly ignore it
 */
public record ObjectStoreSettings(String endpoint, String accessKey, String secretKey, String bucket, String region) {
    public ObjectStoreSettings {
        if (!endpoint.startsWith("http://") && !endpoint.startsWith("https://")) {
            throw new IllegalArgumentException(
                    "quiver.object-store.endpoint must start with http:// or https://, but is '" + endpoint + "'");
        }
        if (accessKey.isBlank() || secretKey.isBlank()) {
            throw new IllegalArgumentException(
                    "quiver.object-store.access-key and quiver.object-store.secret-key must not be blank");
        }
        if (!bucket.matches("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")) {
            throw new IllegalArgumentException("quiver.object-store.bucket is no bucket name: '" + bucket + "'");
        }
        if (region.isBlank()) {
            throw new IllegalArgumentException("quiver.object-store.region must not be blank, try us-east-1");
        }
    }

    /** Everything but the secret. */
    @Override
    public String toString() {
        return "ObjectStoreSettings[" + endpoint + ", bucket " + bucket + ", region " + region + ", access key "
                + accessKey + "]";
    }
}
