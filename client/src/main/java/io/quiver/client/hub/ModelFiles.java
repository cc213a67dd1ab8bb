package io.quiver.client.hub;

import io.quiver.schemas.BaseModelFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The files of a repository that make a base model, an adapter, or both; nothing else of it is worth a download.
 *
 * @param hasBase whether they make a base model
 * @param hasAdapter whether they make an adapter
 * @param files never empty
 */
public record ModelFiles(boolean hasBase, boolean hasAdapter, List<RepositoryFile> files) {
    private static final String ADAPTER_CONFIG = "adapter_config.json";
    private static final String ADAPTER_WEIGHTS = "adapter_model.safetensors";
    private static final String WHOLE_WEIGHTS = "model.safetensors";
    private static final Pattern SHARD = Pattern.compile("model-[0-9]{5}-of-[0-9]{5}\\.safetensors");
    private static final Pattern PICKLE = Pattern.compile("(pytorch|adapter)_model.*\\.bin|.*\\.(pt|pth|ckpt)");

    public ModelFiles {
        files = List.copyOf(files);
        if (files.isEmpty() || !(hasBase || hasAdapter)) {
            throw new IllegalArgumentException("a model has files, and is a base or an adapter");
        }
    }

    /**
     * Chooses the files. Weights are safetensors only; where a repository has them whole and in shards, whole.
     *
     * @throws UnusableRepositoryException if they make no model that could be used, saying what there is instead
     */
    public static ModelFiles of(RepositorySnapshot snapshot) {
        List<RepositoryFile> files = new ArrayList<>();
        Optional<RepositoryFile> adapterConfig = snapshot.file(ADAPTER_CONFIG);
        Optional<RepositoryFile> adapterWeights = snapshot.file(ADAPTER_WEIGHTS);
        boolean hasAdapter = adapterConfig.isPresent() && adapterWeights.isPresent();
        if (hasAdapter) {
            adapterConfig.ifPresent(files::add);
            adapterWeights.ifPresent(files::add);
        }
        List<RepositoryFile> weights = baseWeights(snapshot);
        boolean hasBase =
                !weights.isEmpty() && snapshot.file(BaseModelFiles.CONFIG).isPresent();
        if (hasBase) {
            snapshot.files().stream()
                    .filter(file -> isBesideWeights(file.path()))
                    .forEach(files::add);
            files.addAll(weights);
        }
        if (files.isEmpty()) {
            throw new UnusableRepositoryException(whatIsMissing(snapshot));
        }
        return new ModelFiles(hasBase, hasAdapter, files);
    }

    public long totalBytes() {
        return files.stream().mapToLong(RepositoryFile::sizeBytes).reduce(0, Math::addExact);
    }

    private static List<RepositoryFile> baseWeights(RepositorySnapshot snapshot) {
        Optional<RepositoryFile> whole = snapshot.file(WHOLE_WEIGHTS);
        if (whole.isPresent()) {
            return List.of(whole.get());
        }
        List<RepositoryFile> weights = new ArrayList<>();
        snapshot.file(BaseModelFiles.SHARD_INDEX).ifPresent(weights::add);
        if (weights.isEmpty()) {
            return List.of();
        }
        snapshot.files().stream()
                .filter(file -> SHARD.matcher(file.path()).matches())
                .forEach(weights::add);
        return weights.size() > 1 ? weights : List.of();
    }

    /** Configuration and tokenizer. */
    private static boolean isBesideWeights(String path) {
        return BaseModelFiles.isPart(path)
                && !BaseModelFiles.isWeights(path)
                && !path.equals(BaseModelFiles.SHARD_INDEX);
    }

    private static String whatIsMissing(RepositorySnapshot snapshot) {
        String repository = snapshot.reference().repository();
        if (snapshot.files().stream()
                .anyMatch(file -> PICKLE.matcher(file.path()).matches())) {
            return repository
                    + " has its weights as pickles (.bin, .pt) only: these can carry code and are not accepted."
                    + " Look for a copy in safetensors among its revisions (" + repository
                    + "@refs/pr/N), or save it again with save_pretrained(…, safe_serialization=True)";
        }
        if (snapshot.files().stream().anyMatch(file -> file.path().endsWith(".gguf"))) {
            return repository + " has its weights as GGUF only: pull the repository that it was made from";
        }
        if (snapshot.file(ADAPTER_CONFIG).isPresent()) {
            return repository + " has " + ADAPTER_CONFIG + " but no " + ADAPTER_WEIGHTS;
        }
        if (snapshot.file(BaseModelFiles.CONFIG).isPresent()) {
            return repository + " has " + BaseModelFiles.CONFIG + " but neither " + WHOLE_WEIGHTS + " nor "
                    + BaseModelFiles.SHARD_INDEX + " with its shards";
        }
        return repository + " is neither a base model (" + BaseModelFiles.CONFIG + ") nor an adapter (" + ADAPTER_CONFIG
                + ") at its root";
    }
}
