package io.quiver.cli;

import io.quiver.terminal.Bar;
import io.quiver.terminal.Terminal;
import io.quiver.terminal.Terminal.Style;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/**
 * The prototypes of a version as a picture, one row a layer: how strong the update is there (σ₁, mean over the layer's
 * modules) and how well its direction is determined (σ₂/σ₁, the worst of them: near 1 means that routing follows chance).
 */
final class PrototypeChart {
    private static final Pattern LAYER = Pattern.compile("(?:^|\\.)(?:layers|h|blocks)\\.([0-9]+)\\.");
    private static final int BAR_COLUMNS = 20;
    private static final double RATIO_DOUBTFUL = 0.95;

    private final String algorithm;
    private final SortedMap<Integer, List<Module>> layers = new TreeMap<>();

    PrototypeChart(JsonNode prototypes) {
        this.algorithm = prototypes.path("algorithm").asString("");
        for (JsonNode node : prototypes.path("modules")) {
            String path = node.path("module").asString("");
            Matcher layer = LAYER.matcher(path);
            layers.computeIfAbsent(layer.find() ? Integer.parseInt(layer.group(1)) : -1, key -> new ArrayList<>())
                    .add(new Module(
                            path,
                            node.path("rank").asInt(0),
                            node.path("sigma1").asDouble(0),
                            node.path("sigmaRatio").asDouble(0)));
        }
    }

    private record Module(String path, int rank, double sigma1, double sigmaRatio) {}

    private List<Module> all() {
        return layers.values().stream().flatMap(List::stream).toList();
    }

    private String ranks() {
        int lowest = all().stream().mapToInt(Module::rank).min().orElse(0);
        int highest = all().stream().mapToInt(Module::rank).max().orElse(0);
        return lowest == highest ? String.valueOf(lowest) : lowest + "…" + highest;
    }

    void print(Terminal terminal) {
        List<Module> all = all();
        if (all.isEmpty()) {
            terminal.out().println("no prototypes");
            return;
        }
        double largest =
                layers.values().stream().mapToDouble(PrototypeChart::mean).max().orElse(0);
        terminal.out()
                .println(all.size() + " modules, rank " + ranks()
                        + (algorithm.isEmpty() ? "" : ", prototypes by " + algorithm));
        terminal.out()
                .println(terminal.paint(
                        Style.DIM,
                        "layer  " + pad("σ₁, mean", BAR_COLUMNS + 10) + pad("σ₂/σ₁, largest", BAR_COLUMNS + 8)
                                + "modules"));
        layers.forEach((layer, modules) -> terminal.out().println(row(terminal, layer, modules, largest)));
        long doubtful = all.stream()
                .filter(module -> module.sigmaRatio > RATIO_DOUBTFUL)
                .count();
        if (doubtful > 0) {
            terminal.out()
                    .println(terminal.paint(
                            Style.YELLOW,
                            doubtful + " modules have σ₂/σ₁ above " + RATIO_DOUBTFUL
                                    + ": two directions are about equally strong, so the prototype is one of many"));
        }
    }

    private static String row(Terminal terminal, int layer, List<Module> modules, double largestMean) {
        double mean = mean(modules);
        double ratio = modules.stream().mapToDouble(Module::sigmaRatio).max().orElse(0);
        Style ratioStyle = ratio > RATIO_DOUBTFUL ? Style.YELLOW : Style.BLUE;
        return String.format("%5s  ", layer < 0 ? "other" : layer)
                + terminal.paint(Style.GREEN, Bar.of(largestMean == 0 ? 0 : mean / largestMean, BAR_COLUMNS))
                + String.format(Locale.ROOT, " %-8.3g ", mean)
                + terminal.paint(ratioStyle, Bar.of(ratio, BAR_COLUMNS))
                + String.format(Locale.ROOT, " %-6.3f ", ratio)
                + modules.size();
    }

    private static double mean(List<Module> modules) {
        return modules.stream().mapToDouble(Module::sigma1).average().orElse(0);
    }

    private static String pad(String text, int columns) {
        return text + " ".repeat(Math.max(0, columns - text.codePointCount(0, text.length())));
    }
}
