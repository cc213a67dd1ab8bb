package io.quiver.lora.peft;

import io.quiver.lora.model.BaseModules;
import io.quiver.lora.model.LinearShape;
import io.quiver.lora.safetensors.SafetensorsInspection;
import io.quiver.lora.safetensors.TensorFinding;
import io.quiver.lora.safetensors.TensorInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Holds one adapter's tensors against its configuration and its base model. For one use. */
final class TensorCheck {
    private final ConfigReading reading;
    private final SafetensorsInspection weights;
    private final Optional<BaseModules> base;
    private final PathPatterns patterns;
    private final List<Violation> violations = new ArrayList<>();
    private final Map<String, TensorInfo> aByPath = new TreeMap<>();
    private final Map<String, TensorInfo> bByPath = new TreeMap<>();
    private final Map<String, TensorInfo> gateByPath = new TreeMap<>();

    TensorCheck(
            ConfigReading reading, SafetensorsInspection weights, Optional<BaseModules> base, AdapterLimits limits) {
        this.reading = reading;
        this.weights = weights;
        this.base = base;
        this.patterns = new PathPatterns(limits);
    }

    List<Violation> violations() {
        return violations;
    }

    /** Fills {@link #violations}; returns the modules, all of them if there are no violations. */
    List<LoraModule> run() {
        for (TensorFinding finding : weights.findings()) {
            checkElements(finding);
        }
        if (refuseLookalikes()) {
            return List.of(); // its tensors would all be violations, which would only hide the reason
        }
        weights.header().tensors().forEach(this::sort);
        Set<String> paths = new TreeSet<>(aByPath.keySet());
        paths.addAll(bByPath.keySet());
        if (paths.isEmpty()) {
            refuse(ViolationCode.NOTHING_ADAPTED, "the file has no LoRA tensors", null);
        }
        try {
            return checkModules(paths);
        } catch (PatternException e) {
            refuse(
                    ViolationCode.PATTERN_INVALID,
                    "a pattern cannot be matched: " + e.getMessage(),
                    "adapter_config.json");
            return List.of();
        }
    }

    private void checkElements(TensorFinding finding) {
        TensorInfo tensor = finding.tensor();
        if (!tensor.dtype().isReadable()) {
            refuse(
                    ViolationCode.DTYPE_UNSUPPORTED,
                    "elements must be F16, BF16, F32 or F64, but are " + tensor.dtype(),
                    tensor.name());
        } else if (!finding.isFinite()) {
            refuse(
                    ViolationCode.NOT_FINITE,
                    "the element at index " + finding.firstNotFiniteIndex()
                            + " is NaN, infinite, or too large for single precision",
                    tensor.name());
        }
    }

    private boolean refuseLookalikes() {
        Map<LookalikeFormat, String> found = LookalikeFormat.ofTensors(weights.header());
        found.forEach((format, tensor) -> violations.add(format.violation(tensor)));
        if (found.isEmpty()) {
            reading.formats().forEach(format -> violations.add(format.violation("adapter_config.json")));
        }
        return !found.isEmpty();
    }

    /** Finds out what a tensor is. */
    private void sort(TensorInfo tensor) {
        TensorKey key = TensorKey.of(tensor.name());
        switch (key.part()) {
            case A -> put(aByPath, key, tensor);
            case B -> put(bByPath, key, tensor);
            case GATE -> put(gateByPath, key, tensor);
            case B_BIAS ->
                refuse(ViolationCode.LORA_BIAS_UNSUPPORTED, "a bias of lora_B is not supported", tensor.name());
            case EMBEDDING ->
                refuse(ViolationCode.EMBEDDING_UNSUPPORTED, "LoRA on an embedding is not supported", tensor.name());
            case MAGNITUDE ->
                refuse(
                        ViolationCode.DORA_UNSUPPORTED,
                        "a magnitude vector means DoRA, which is not supported",
                        tensor.name());
            case TOKENS ->
                refuse(
                        ViolationCode.TRAINABLE_TOKENS_UNSUPPORTED,
                        "trained token embeddings are not supported",
                        tensor.name());
            case BIAS -> refuse(ViolationCode.BIAS_UNSUPPORTED, "trained biases are not supported", tensor.name());
            case WHOLE_WEIGHT ->
                refuse(
                        ViolationCode.MODULES_TO_SAVE_UNSUPPORTED,
                        "fully trained weights are not supported",
                        tensor.name());
            case UNKNOWN ->
                refuse(ViolationCode.UNKNOWN_TENSOR, "plain LoRA has no tensor of this name", tensor.name());
        }
    }

    private void put(Map<String, TensorInfo> byPath, TensorKey key, TensorInfo tensor) {
        TensorInfo other = byPath.putIfAbsent(key.path(), tensor);
        if (other != null) {
            refuse(
                    ViolationCode.DUPLICATE_TENSOR,
                    "this is the same tensor as " + other.name() + " once prefixes are taken off",
                    tensor.name());
        }
    }

    private List<LoraModule> checkModules(Set<String> paths) {
        AdapterConfig config = reading.config().orElse(null);
        MatchModules match = config == null ? null : new MatchModules(config, patterns);
        List<LoraModule> modules = new ArrayList<>();
        for (String path : paths) {
            TensorInfo a = aByPath.get(path);
            TensorInfo b = bByPath.get(path);
            if (a == null) {
                refuse(ViolationCode.MISSING_LORA_A, "the module has lora_B but no lora_A", path);
            }
            if (b == null) {
                refuse(ViolationCode.MISSING_LORA_B, "the module has lora_A but no lora_B", path);
            }
            boolean known = checkPath(path, match);
            if (a == null || b == null || !checkShapes(path, a, b, known) || config == null || match == null) {
                continue;
            }
            int rank = checkRank(a, b, match.rank(path));
            if (rank > 0) {
                modules.add(new LoraModule(
                        path,
                        (int) (long) a.shape().get(1),
                        (int) (long) b.shape().get(0),
                        rank,
                        config.scaling(rank, match.alpha(path)),
                        a.name(),
                        b.name(),
                        checkGate(path, a)));
            }
        }
        for (String path : gateByPath.keySet()) {
            if (!paths.contains(path)) {
                refuse(ViolationCode.UNKNOWN_TENSOR, "there is a gate vector, but no LoRA on this module", path);
            }
        }
        if (match != null && base.isPresent()) {
            checkTargets(base.get(), match, paths);
        }
        return modules;
    }

    /** The name of the module's gate vector, if there is one. */
    private Optional<String> checkGate(String path, TensorInfo a) {
        TensorInfo gate = gateByPath.get(path);
        if (gate == null) {
            return Optional.empty();
        }
        if (gate.axes() != 1 || !gate.shape().get(0).equals(a.shape().get(1))) {
            refuse(
                    ViolationCode.SHAPE_MISMATCH,
                    "a gate vector must have one component per input of the module, "
                            + a.shape().get(1) + ", but has the shape " + gate.shape(),
                    gate.name());
        }
        return Optional.of(gate.name());
    }

    /** Whether the path is a linear module of the base model. */
    private boolean checkPath(String path, @Nullable MatchModules match) {
        if (base.isEmpty()) {
            return false;
        }
        if (base.get().apart().contains(path)) {
            refuse(ViolationCode.HEAD_UNSUPPORTED, "LoRA on the output head or an embedding is not supported", path);
            return false;
        }
        if (base.get().find(path).isEmpty()) {
            refuse(ViolationCode.UNKNOWN_MODULE, "the base model has no linear module of this path", path);
            return false;
        }
        if (match != null && !match.isTargeted(path)) {
            refuse(
                    ViolationCode.MODULE_NOT_TARGETED,
                    "the file has tensors for this module, but adapter_config.json does not target it",
                    path);
        }
        return true;
    }

    /** Whether A and B are matrices; inputs and outputs are held against the base model if the module is known there. */
    private boolean checkShapes(String path, TensorInfo a, TensorInfo b, boolean known) {
        boolean matrices = true;
        for (TensorInfo tensor : List.of(a, b)) {
            boolean matrix = tensor.axes() == 2
                    && tensor.shape().stream().allMatch(size -> size >= 1 && size <= Integer.MAX_VALUE);
            if (!matrix) {
                refuse(
                        ViolationCode.SHAPE_MISMATCH,
                        "must be a matrix with at least one element, but has the shape " + tensor.shape(),
                        tensor.name());
            }
            matrices &= matrix;
        }
        if (matrices && known) {
            LinearShape shape = base.orElseThrow().find(path).orElseThrow();
            checkAxis(a, 1, shape.in(), "inputs");
            checkAxis(b, 0, shape.out(), "outputs");
        }
        return matrices;
    }

    private void checkAxis(TensorInfo tensor, int axis, int expected, String what) {
        if (tensor.shape().get(axis) != expected) {
            refuse(
                    ViolationCode.SHAPE_MISMATCH,
                    "has the shape " + tensor.shape() + ", but the base module has " + expected + " " + what,
                    tensor.name());
        }
    }

    /** The rank, or 0 if a tensor has another one. */
    private int checkRank(TensorInfo a, TensorInfo b, int rank) {
        boolean agree = true;
        if (a.shape().get(0) != rank) {
            refuseRank(a, a.shape().get(0), rank);
            agree = false;
        }
        if (b.shape().get(1) != rank) {
            refuseRank(b, b.shape().get(1), rank);
            agree = false;
        }
        return agree ? rank : 0;
    }

    private void refuseRank(TensorInfo tensor, long found, int rank) {
        refuse(
                ViolationCode.RANK_MISMATCH,
                "has rank " + found + ", but adapter_config.json gives this module rank " + rank,
                tensor.name());
    }

    private void checkTargets(BaseModules modules, MatchModules match, Set<String> paths) {
        boolean any = false;
        for (String path : modules.linear().keySet()) {
            if (match.isTargeted(path)) {
                any = true;
                if (!paths.contains(path)) {
                    refuse(
                            ViolationCode.MODULE_WITHOUT_TENSORS,
                            "adapter_config.json targets this module, but the file has no tensors for it",
                            path);
                }
            }
        }
        if (!any) {
            refuse(
                    ViolationCode.NOTHING_ADAPTED,
                    "target_modules names no linear module of the base model",
                    "target_modules");
        }
    }

    private void refuse(ViolationCode code, String message, @Nullable String where) {
        violations.add(Violation.of(code, message, where));
    }
}
