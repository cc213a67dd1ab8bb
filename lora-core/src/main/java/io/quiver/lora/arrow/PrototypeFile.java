package io.quiver.lora.arrow;

import io.quiver.lora.evidence.AdapterEvidence;
import io.quiver.lora.evidence.EvidenceTensors;
import io.quiver.lora.evidence.ExampleCentroids;
import io.quiver.lora.safetensors.DType;
import io.quiver.lora.safetensors.SafetensorsFile;
import io.quiver.lora.safetensors.SafetensorsLimits;
import io.quiver.lora.safetensors.SafetensorsWriter;
import io.quiver.lora.safetensors.TensorInfo;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeSet;

/**
 * The prototypes of one adapter as a file: safetensors with, per module, {@code prototype.<module>} F32 (in),
 * {@code sigma.<module>} F64 (min(rank, in, out)), {@code scaling.<module>} F64 (1) and {@code rank.<module>} I64 (1), and with
 * {@code format_version}, {@code algorithm} and {@code adapter_digest} in its metadata. With evidence or examples, which
 * {@link EvidenceTensors} writes, it is of version 2, otherwise of version 1. Equal content gives equal bytes.
 *
 * @param algorithm what computed it, such as {@link ComputePrototypes#ALGORITHM}
 * @param adapterDigest {@code sha256:…} of the adapter
 * @param prototypes by module path, each module once; at least one
 * @param evidence if the adapter was measured against a base calibration
 * @param examples if the adapter came with example prompts; of the same calibration as the evidence
 */
public record PrototypeFile(
        String algorithm,
        String adapterDigest,
        List<ModulePrototype> prototypes,
        Optional<AdapterEvidence> evidence,
        Optional<ExampleCentroids> examples) {
    private static final String ARROW_ALONE = "1";
    private static final String WITH_EVIDENCE = "2";

    /** How far from 1 the length of a stored vector may be: float rounding of up to 2³¹ components stays far below. */
    private static final double LENGTH_TOLERANCE = 1e-5;

    /** Without evidence. */
    public PrototypeFile(String algorithm, String adapterDigest, List<ModulePrototype> prototypes) {
        this(algorithm, adapterDigest, prototypes, Optional.empty(), Optional.empty());
    }

    public PrototypeFile {
        if (examples.isPresent()
                && !evidence.map(AdapterEvidence::calibrationDigest)
                        .equals(examples.map(ExampleCentroids::calibrationDigest))) {
            throw new IllegalArgumentException("examples need evidence of the same calibration");
        }
        prototypes = prototypes.stream()
                .sorted(Comparator.comparing(ModulePrototype::module))
                .toList();
        if (prototypes.isEmpty()) {
            throw new IllegalArgumentException("a prototype file has at least one prototype");
        }
        for (int i = 1; i < prototypes.size(); i++) {
            if (prototypes.get(i).module().equals(prototypes.get(i - 1).module())) {
                throw new IllegalArgumentException("module " + prototypes.get(i).module() + " has two prototypes");
            }
        }
    }

    /** In the order of their paths. */
    public Map<String, ModulePrototype> byModule() {
        Map<String, ModulePrototype> map = new LinkedHashMap<>();
        prototypes.forEach(prototype -> map.put(prototype.module(), prototype));
        return map;
    }

    public byte[] toBytes() {
        SafetensorsWriter writer = new SafetensorsWriter()
                .metadata("format_version", evidence.isPresent() ? WITH_EVIDENCE : ARROW_ALONE)
                .metadata("algorithm", algorithm)
                .metadata("adapter_digest", adapterDigest);
        for (ModulePrototype prototype : prototypes) {
            String module = prototype.module();
            writer.floats("prototype." + module, List.of((long) prototype.vector().length), prototype.vector())
                    .doubles("sigma." + module, List.of((long) prototype.sigma().length), prototype.sigma())
                    .doubles("scaling." + module, List.of(1L), new double[] {prototype.scaling()})
                    .longs("rank." + module, List.of(1L), new long[] {prototype.rank()});
        }
        evidence.ifPresent(one -> EvidenceTensors.write(one, writer));
        examples.ifPresent(one -> EvidenceTensors.write(one, writer));
        return writer.toBytes();
    }

    /**
     * Reads a prototype file, strictly: nothing may be missing, and nothing else may be there.
     *
     * @throws InvalidPrototypeFileException if it is another file or version
     * @throws io.quiver.lora.safetensors.InvalidSafetensorsException if it is not valid safetensors
     */
    public static PrototypeFile read(Path path) throws IOException {
        try (SafetensorsFile file = SafetensorsFile.open(path, SafetensorsLimits.ADAPTER)) {
            SortedMap<String, String> metadata = file.header().metadata();
            String algorithm = metadata.get("algorithm");
            String adapterDigest = metadata.get("adapter_digest");
            String version = metadata.get("format_version");
            boolean measured = WITH_EVIDENCE.equals(version);
            if (algorithm == null || adapterDigest == null || !(measured || ARROW_ALONE.equals(version))) {
                throw new InvalidPrototypeFileException("not a prototype file of version " + ARROW_ALONE + " or "
                        + WITH_EVIDENCE + ": its metadata says " + metadata.keySet() + ", version " + version);
            }
            List<ModulePrototype> prototypes = new ArrayList<>();
            for (String module : modules(file, measured)) {
                prototypes.add(readPrototype(file, module));
            }
            if (!measured) {
                return new PrototypeFile(algorithm, adapterDigest, prototypes);
            }
            return new PrototypeFile(
                    algorithm,
                    adapterDigest,
                    prototypes,
                    Optional.of(EvidenceTensors.readEvidence(file)),
                    EvidenceTensors.readExamples(file));
        } catch (IllegalArgumentException e) {
            throw new InvalidPrototypeFileException(String.valueOf(e.getMessage()));
        }
    }

    private static TreeSet<String> modules(SafetensorsFile file, boolean measured) {
        TreeSet<String> modules = new TreeSet<>();
        for (TensorInfo tensor : file.header().tensors()) {
            int dot = tensor.name().indexOf('.');
            switch (tensor.name().substring(0, Math.max(0, dot))) {
                case "prototype", "sigma", "scaling", "rank" ->
                    modules.add(tensor.name().substring(dot + 1));
                case "evidence", "examples" -> {
                    if (!measured) {
                        throw new InvalidPrototypeFileException(
                                "a file of version " + ARROW_ALONE + " has the tensor " + tensor.name());
                    }
                }
                default -> throw new InvalidPrototypeFileException("unknown tensor " + tensor.name());
            }
        }
        return modules;
    }

    private static ModulePrototype readPrototype(SafetensorsFile file, String module) throws IOException {
        float[] vector = file.floats(vectorOf(file, "prototype." + module, DType.F32));
        double[] sigma = file.doubles(vectorOf(file, "sigma." + module, DType.F64));
        double[] scaling = file.doubles(vectorOf(file, "scaling." + module, DType.F64));
        String rankName = vectorOf(file, "rank." + module, DType.I64);
        if (scaling.length != 1 || file.header().tensor(rankName).elements() != 1) {
            throw new InvalidPrototypeFileException("module " + module + " has several ranks or scales");
        }
        long rank = file.bytes(rankName).getLong();
        double square = 0;
        for (float component : vector) {
            square += (double) component * component;
        }
        if (!(Math.abs(Math.sqrt(square) - 1) <= LENGTH_TOLERANCE)) {
            throw new InvalidPrototypeFileException("the prototype of module " + module + " is not of unit length");
        }
        for (int i = 1; i < sigma.length; i++) {
            if (!(sigma[i] <= sigma[i - 1]) || !(sigma[i] >= 0)) {
                throw new InvalidPrototypeFileException(
                        "the singular values of module " + module + " are not in order");
            }
        }
        if (rank < 1 || rank > Integer.MAX_VALUE) {
            throw new InvalidPrototypeFileException("module " + module + " has rank " + rank);
        }
        return new ModulePrototype(module, (int) rank, scaling[0], vector, sigma);
    }

    private static String vectorOf(SafetensorsFile file, String name, DType dtype) {
        TensorInfo tensor = file.header()
                .find(name)
                .orElseThrow(() -> new InvalidPrototypeFileException("the tensor " + name + " is missing"));
        if (tensor.dtype() != dtype || tensor.axes() != 1) {
            throw new InvalidPrototypeFileException("the tensor " + name + " must be a vector of " + dtype);
        }
        return name;
    }
}
