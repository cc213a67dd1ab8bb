package io.quiver.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ObjectStoreSettingsTest {
    @Test
    void the_secret_is_not_printed() {
        assertThat(new ObjectStoreSettings("http://s3:8333", "who", "whisper", "quiver", "us-east-1"))
                .asString()
                .contains("http://s3:8333", "quiver", "who")
                .doesNotContain("whisper");
    }

    @ParameterizedTest
    @CsvSource({
        "s3:8333, key, secret, quiver, us-east-1, endpoint",
        "http://s3, ' ', secret, quiver, us-east-1, access-key",
        "http://s3, key, ' ', quiver, us-east-1, secret-key",
        "http://s3, key, secret, Quiver, us-east-1, bucket",
        "http://s3, key, secret, a/b, us-east-1, bucket",
        "http://s3, key, secret, quiver, ' ', region",
    })
    void a_setting_that_cannot_work_is_named(
            String endpoint, String accessKey, String secretKey, String bucket, String region, String named) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ObjectStoreSettings(endpoint, accessKey, secretKey, bucket, region))
                .withMessageContaining(named);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/a", "a/", "a//b", "../a", "a/../b", "A", "a b", "a/.b", "ä"})
    void a_key_that_could_lead_elsewhere_is_no_key(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> new ObjectKey(text));
        assertThat(ObjectKey.isKey(text)).isFalse();
    }

    @Test
    void a_key_has_512_characters_at_most() {
        assertThat(new ObjectKey("a".repeat(512)).value()).hasSize(512);
        assertThatIllegalArgumentException().isThrownBy(() -> new ObjectKey("a".repeat(513)));
    }
}
