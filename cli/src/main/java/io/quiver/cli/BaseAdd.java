package io.quiver.cli;

import io.quiver.client.MultipartBody;
import io.quiver.client.RefusedException;
import io.quiver.client.RegistryClient;
import io.quiver.client.RegistryClient.Uploaded;
import io.quiver.schemas.BaseModelFiles;
import io.quiver.terminal.ProgressBar;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Registers a base model from a Hugging Face folder. */
@Command(
        name = "add",
        description =
                "Register a base model: a Hugging Face folder with config.json, *.safetensors and tokenizer.json.",
        footer = {"", "Examples:", "  quiver base add ./SmolLM2-135M-Instruct", "  quiver base add ./model --name tiny"
        })
final class BaseAdd implements Callable<Integer> {
    @Mixin
    private Servers servers = new Servers();

    @Parameters(arity = "1", paramLabel = "FOLDER", description = "the model's folder")
    private Path folder = Path.of(".");

    @Option(names = "--name", paramLabel = "NAME", description = "the base model's name; default: the folder's name")
    private @Nullable String name;

    private final Surroundings surroundings;

    BaseAdd(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException {
        List<Path> files = modelFiles(folder);
        String baseName = name == null ? AdapterNaming.legal(folder) : name;
        RegistryClient registry = servers.registry(surroundings.environment());
        MultipartBody body = registry.multipart(files);
        Terminal terminal = surroundings.terminal();
        Uploaded uploaded;
        try (ProgressBar progress = new ProgressBar(terminal, baseName, body.sizeBytes(), surroundings.nanoTime())) {
            uploaded = registry.addBaseModel(baseName, body, progress);
        } catch (RefusedException e) {
            Refusals.print(terminal, "base model " + baseName + " was not accepted", e);
            return ExitStatus.REFUSED;
        }
        BaseModelJson base = new BaseModelJson(uploaded.body());
        terminal.out()
                .println(terminal.paint(Style.BOLD, base.name()) + "  " + base.digest() + "  " + base.modules()
                        + " linear modules, " + files.size() + " files"
                        + (uploaded.created() ? "" : "  (the registry already had it)"));
        return ExitStatus.DONE;
    }

    private static List<Path> modelFiles(Path folder) throws IOException {
        if (!Files.isRegularFile(folder.resolve(BaseModelFiles.CONFIG))) {
            throw new UsageException(folder + " is no model folder: it has no " + BaseModelFiles.CONFIG);
        }
        try (Stream<Path> all = Files.list(folder)) {
            List<Path> files = all.filter(Files::isRegularFile)
                    .filter(file -> BaseModelFiles.isPart(String.valueOf(file.getFileName())))
                    .sorted()
                    .toList();
            if (files.stream().noneMatch(file -> BaseModelFiles.isWeights(String.valueOf(file.getFileName())))) {
                throw new UsageException(
                        folder + " has no model.safetensors, nor shards of it: other weight formats are not accepted");
            }
            return files;
        }
    }
}
