package io.quiver.registry.web;

import io.quiver.registry.ProblemCode;
import io.quiver.registry.RegistryException;
import io.quiver.registry.UploadParts;
import jakarta.servlet.http.HttpServletRequest;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.apache.commons.fileupload2.core.DiskFileItem;
import org.apache.commons.fileupload2.core.DiskFileItemFactory;
import org.apache.commons.fileupload2.core.FileItemInput;
import org.apache.commons.fileupload2.core.FileItemInputIterator;
import org.apache.commons.fileupload2.jakarta.servlet6.JakartaServletFileUpload;
import org.jspecify.annotations.Nullable;

/** The parts of a multipart/form-data request, straight from the socket: nothing is buffered on disk or on the heap. */
final class MultipartParts implements UploadParts {
    private static final int NAME_CHARS_MAX = 200;

    private final FileItemInputIterator items;

    private MultipartParts(FileItemInputIterator items) {
        this.items = items;
    }

    /** @throws RegistryException if the request is no multipart/form-data */
    static MultipartParts of(HttpServletRequest request) {
        if (!JakartaServletFileUpload.isMultipartContent(request)) {
            throw new RegistryException(
                    ProblemCode.MEDIA_TYPE_UNSUPPORTED,
                    "uploads are multipart/form-data, this is " + request.getContentType());
        }
        try {
            return new MultipartParts(
                    new JakartaServletFileUpload<DiskFileItem, DiskFileItemFactory>().getItemIterator(request));
        } catch (IOException e) {
            throw brokenOff(e);
        }
    }

    @Override
    public @Nullable Part next() {
        try {
            if (!items.hasNext()) {
                return null;
            }
            FileItemInput item = items.next();
            String fileName = item.getName();
            String name = fileName == null || fileName.isEmpty() ? String.valueOf(item.getFieldName()) : fileName;
            if (name.length() > NAME_CHARS_MAX) {
                throw new RegistryException(
                        ProblemCode.REQUEST_INVALID,
                        "the name of a part has more than " + NAME_CHARS_MAX + " characters");
            }
            return new Part(name, new PartStream(item.getInputStream()));
        } catch (IOException e) {
            throw brokenOff(e);
        }
    }

    private static RegistryException brokenOff(IOException e) {
        return new RegistryException(
                ProblemCode.UPLOAD_BROKEN_OFF, "the multipart body cannot be read: " + e.getMessage());
    }

    /** Tells a broken connection or body, which is the caller's, from a broken store, which is not. */
    private static final class PartStream extends FilterInputStream {
        PartStream(InputStream part) {
            super(part);
        }

        @Override
        public int read() {
            try {
                return in.read();
            } catch (IOException e) {
                throw brokenOff(e);
            }
        }

        @Override
        public int read(byte[] bytes, int offset, int length) {
            try {
                return in.read(bytes, offset, length);
            } catch (IOException e) {
                throw brokenOff(e);
            }
        }
    }
}
