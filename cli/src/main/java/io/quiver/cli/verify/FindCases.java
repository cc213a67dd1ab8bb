package io.quiver.cli.verify;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Finds everything in a folder that can be compared, and what is there but cannot. */
final class FindCases {
    private final ReferenceFolder folder;
    private final OpenModels models;
    private final List<VerifyCase> cases = new ArrayList<>();

    FindCases(ReferenceFolder folder, OpenModels models) {
        this.folder = folder;
        this.models = models;
    }

    List<VerifyCase> find() throws IOException {
        for (String part : folder.folders("")) {
            switch (part) {
                case "models" -> models();
                case "adapters" -> adapters("adapters");
                case "arrow" -> arrow();
                case "strategies" -> strategies();
                case "evidence" -> evidence();
                case "cases" -> handWorked();
                default -> others(part);
            }
        }
        return cases;
    }

    private void models() throws IOException {
        for (String name : folder.folders("models")) {
            // A model without reference values of its own is there for the adapters.
            if (folder.has("models/" + name + "/expected.json")) {
                cases.add(new ModelCase(folder, models, "models/" + name));
            }
        }
    }

    private void adapters(String part) throws IOException {
        for (String name : folder.folders(part)) {
            String adapter = part + "/" + name;
            boolean known = false;
            if (folder.has(adapter + "/expected.json")) {
                cases.add(new AdapterCase(folder, models, adapter));
                known = true;
            }
            if (folder.has(adapter + "/prototypes.json")) {
                cases.add(new PrototypesCase(folder, adapter));
                known = true;
            }
            if (!known && !isAdapter(adapter)) {
                cases.add(new VerifyCase.Unsupported(adapter, "neither an adapter nor a case that is known"));
            }
        }
    }

    /** Cases, and the libraries of adapters that they share. */
    private void arrow() throws IOException {
        for (String name : folder.folders("arrow")) {
            String path = "arrow/" + name;
            if (folder.has(path + "/case.json")) {
                cases.add(new ArrowCase(folder, models, path));
            } else if (isAdapter(path)) {
                continue;
            } else {
                adapters(path);
            }
        }
    }

    private void strategies() throws IOException {
        for (String name : folder.folders("strategies")) {
            cases.add(new StrategyCase(folder, models, "strategies/" + name));
        }
    }

    private void evidence() throws IOException {
        for (String name : folder.folders("evidence")) {
            cases.add(new EvidenceCase(folder, models, "evidence/" + name));
        }
    }

    private void handWorked() throws IOException {
        for (String name : folder.names("cases")) {
            String path = "cases/" + name;
            cases.add(name.endsWith(".json") ? handWorked(path) : new VerifyCase.Unsupported(path, "no JSON file"));
        }
    }

    /** What a file under {@code cases/} is shows in what it has. */
    private VerifyCase handWorked(String path) throws IOException {
        JsonNode json;
        try {
            json = folder.json(path);
        } catch (IllegalArgumentException e) {
            return new Broken(path, e);
        }
        if (json.has("tokenizer") && json.has("cases")) {
            return new TokenizerCase(folder, path);
        }
        if (json.has("runs") && json.has("experts") && json.has("W")) {
            return new TraceCase(folder, path);
        }
        if (json.isArray() && json.path(0).has("weights") && json.path(0).has("combine")) {
            return new FactorsCase(folder, path);
        }
        return new VerifyCase.Unsupported(path, "not a kind of case that is known");
    }

    private void others(String part) throws IOException {
        String reason = switch (part) {
            case "mixtures" -> "a checkpoint of another method";
            default -> "not a part that is known";
        };
        List<String> folders = folder.folders(part);
        if (folders.isEmpty()) {
            cases.add(new VerifyCase.Unsupported(part, reason));
        }
        folders.forEach(name -> cases.add(new VerifyCase.Unsupported(part + "/" + name, reason)));
    }

    private boolean isAdapter(String path) {
        return Files.exists(folder.resolve(path).resolve("adapter_config.json"));
    }

    /** A file that cannot be read: a case that has failed. */
    private record Broken(String name, IllegalArgumentException cause) implements VerifyCase {
        @Override
        public Outcome run() {
            throw cause;
        }
    }
}
