/** The object store through the MinIO client, which speaks to any S3 server. */
@NullMarked
package io.quiver.objectstore.minio;

import org.jspecify.annotations.NullMarked;
