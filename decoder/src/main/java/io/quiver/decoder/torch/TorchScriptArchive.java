package io.quiver.decoder.torch;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A TorchScript program in the form that libtorch loads: a zip of source text and a pickled object. The object is the
 * one module class of the text with every attribute None; the program fills them by a method of its own.
 */
final class TorchScriptArchive {
    private static final Pattern MODULE = Pattern.compile("(?m)^class (\\w+)\\(Module\\):$");
    private static final Pattern ATTRIBUTE = Pattern.compile("(?m)^  (\\w+) : Optional\\[.*]$");

    private TorchScriptArchive() {}

    /** Reads pieces of text beside this class and packs them, in that order, as one program. */
    static byte[] ofResources(String... names) {
        StringBuilder text = new StringBuilder();
        for (String name : names) {
            try (InputStream resource = TorchScriptArchive.class.getResourceAsStream(name)) {
                if (resource == null) {
                    throw new IllegalStateException("no resource " + name);
                }
                text.append(new String(resource.readAllBytes(), StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return ofText(text.toString());
    }

    /** Packs a text with exactly one module class, whose attributes are all {@code name : Optional[...]}. */
    static byte[] ofText(String text) {
        Matcher module = MODULE.matcher(text);
        if (!module.find()) {
            throw new IllegalArgumentException("the text has no module class");
        }
        List<String> attributes = new ArrayList<>();
        Matcher attribute = ATTRIBUTE.matcher(text);
        while (attribute.find()) {
            attributes.add(attribute.group(1));
        }
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
                // A current file format number: older ones make libtorch rewrite operators.
                put(zip, "version", "10\n".getBytes(StandardCharsets.US_ASCII));
                put(zip, "byteorder", "little".getBytes(StandardCharsets.US_ASCII));
                put(zip, "constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
                put(zip, "data.pkl", pickle(module.group(1), attributes));
                put(zip, "code/__torch__.py", text.getBytes(StandardCharsets.UTF_8));
            }
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void put(ZipOutputStream zip, String name, byte[] content) throws IOException {
        ZipEntry entry = new ZipEntry("program/" + name);
        // Without a time of its own the entry would get the present one.
        entry.setTime(0);
        zip.putNextEntry(entry);
        zip.write(content);
        zip.closeEntry();
    }

    /** Pickle, protocol 2: an instance of the class, its state a dictionary of training = False and attributes = None. */
    private static byte[] pickle(String module, List<String> attributes) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.write(new byte[] {(byte) 0x80, 2});
            out.writeBytes("c__torch__\n" + module + "\n");
            out.write(new byte[] {')', (byte) 0x81, '}', '('});
            name(out, "training");
            out.write(0x89);
            for (String attribute : attributes) {
                name(out, attribute);
                out.write('N');
            }
            out.write(new byte[] {'u', 'b', '.'});
        }
        return bytes.toByteArray();
    }

    private static void name(DataOutputStream out, String name) throws IOException {
        byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
        out.write('X');
        out.writeInt(Integer.reverseBytes(utf8.length));
        out.write(utf8);
    }
}
