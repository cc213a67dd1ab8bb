package io.quiver.worker;

import io.quiver.lora.peft.LoraAdapter;
import io.quiver.lora.safetensors.DType;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.SafetensorsWriter;
import io.quiver.lora.safetensors.TensorInfo;
import io.quiver.objectstore.ObjectKey;
import io.quiver.objectstore.ObjectStore;
import io.quiver.schemas.AdapterName;
import io.quiver.schemas.BaseModelRef;
import io.quiver.schemas.Digest;
import io.quiver.schemas.Event.AdapterUploaded;
import io.quiver.schemas.StoredFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** An adapter as the registry leaves it: its files in the store, and the event that tells of it. */
public record UploadedAdapter(byte[] config, byte[] weights) {
    private static final BaseModelRef BASE = new BaseModelRef("llama", Digest.of(new byte[] {1}));

    /** What becomes of a tensor's bytes on the way. */
    @FunctionalInterface
    public interface Change {
        /** @param bytes little-endian // (elements × bytes per element) */
        byte[] of(TensorInfo tensor, byte[] bytes);
    }

    /** One that PEFT saved: {@code r1-qv}, {@code r4-mlp-regex} (in ≠ out) or {@code r8-bf16}. */
    public static UploadedAdapter saved(String name) {
        return new UploadedAdapter(resource(name, LoraAdapter.CONFIG_FILE), resource(name, LoraAdapter.WEIGHTS_FILE));
    }

    public static byte[] resource(String adapter, String file) {
        try (var in = UploadedAdapter.class.getResourceAsStream("/adapters/" + adapter + "/" + file)) {
            if (in == null) {
                throw new IllegalStateException("no resource of " + adapter + ": " + file);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same adapter with other weights. */
    public UploadedAdapter with(Change change) {
        try {
            Path copy = Files.createTempFile("adapter", ".safetensors");
            try (SafetensorsFile file = open(Files.write(copy, weights))) {
                SafetensorsWriter writer = new SafetensorsWriter();
                for (TensorInfo tensor : file.header().tensors()) {
                    ByteBuffer buffer = file.bytes(tensor.name());
                    byte[] bytes = new byte[buffer.remaining()];
                    buffer.get(bytes);
                    writer.tensor(tensor.name(), tensor.dtype(), tensor.shape(), change.of(tensor, bytes));
                }
                return new UploadedAdapter(config, writer.toBytes());
            } finally {
                Files.delete(copy);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static SafetensorsFile open(Path path) throws IOException {
        return SafetensorsFile.open(path, SafetensorsLimits.ADAPTER);
    }

    /** With B zero wherever the tensor's name contains the text. */
    public UploadedAdapter withZeroB(String where) {
        return with((tensor, bytes) ->
                tensor.name().contains("lora_B") && tensor.name().contains(where) ? new byte[bytes.length] : bytes);
    }

    /** With one NaN in the first float tensor whose name contains the text. */
    public UploadedAdapter withNan(String where) {
        return with((tensor, bytes) -> {
            if (tensor.dtype() == DType.F32 && tensor.name().contains(where)) {
                bytes[2] = (byte) 0xc0;
                bytes[3] = (byte) 0x7f;
            }
            return bytes;
        });
    }

    public Digest digest() {
        return Digest.ofFiles(
                Map.of(LoraAdapter.CONFIG_FILE, Digest.of(config), LoraAdapter.WEIGHTS_FILE, Digest.of(weights)));
    }

    /** Puts the files into the store. */
    public UploadedAdapter storedIn(ObjectStore store) {
        store.put(blob(config), new ByteArrayInputStream(config), config.length);
        store.put(blob(weights), new ByteArrayInputStream(weights), weights.length);
        return this;
    }

    static ObjectKey blob(byte[] content) {
        return ObjectKey.blob(Digest.of(content).hex());
    }

    public AdapterUploaded uploadedAs(String name, int version) {
        return new AdapterUploaded(
                AdapterName.parse(name),
                version,
                digest(),
                BASE,
                List.of(
                        new StoredFile(LoraAdapter.CONFIG_FILE, Digest.of(config), config.length),
                        new StoredFile(LoraAdapter.WEIGHTS_FILE, Digest.of(weights), weights.length)),
                Instant.parse("2026-11-22T10:00:00Z"));
    }
}
