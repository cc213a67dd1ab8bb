package io.quiver.decoder.torch;

import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Decoder.ModuleTrace;
import io.quiver.decoder.Decoder.StepOutput;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a step is made of: feeds, pieces of them, and neighbouring pieces with one routing. */
final class StepParts {
    private StepParts() {}

    /** What one feed has led to so far. */
    static final class Progress {
        final TorchSequence sequence;
        final Feed feed;
        final Table.@Nullable Use use;
        final List<float[]> logits = new ArrayList<>();
        final Map<String, List<float[][]>> trace = new LinkedHashMap<>();
        float[] shares = {}; // (experts), or empty
        int fed;

        Progress(Feed feed) {
            this.sequence = (TorchSequence) feed.sequence();
            this.feed = feed;
            Table table = sequence.table();
            this.use = table == null ? null : Table.Use.of(table, sequence.routing());
        }

        int left() {
            return feed.tokens().length - fed;
        }

        StepOutput output() {
            List<ModuleTrace> modules = new ArrayList<>();
            trace.forEach((module, pieces) -> {
                List<float[]> scores = new ArrayList<>();
                List<float[]> coefficients = new ArrayList<>();
                for (int i = 0; i < pieces.size(); i += 2) {
                    scores.addAll(List.of(pieces.get(i)));
                    coefficients.addAll(List.of(pieces.get(i + 1)));
                }
                modules.add(
                        new ModuleTrace(module, scores.toArray(float[][]::new), coefficients.toArray(float[][]::new)));
            });
            return new StepOutput(logits.toArray(float[][]::new), modules, shares);
        }
    }

    /** Some tokens of one feed, in one call. */
    record Piece(Progress progress, int tokens, int capacity) {
        boolean last() {
            return tokens == progress.left();
        }

        boolean wanted() {
            return progress.feed.everyToken() || last();
        }
    }

    /** Neighbouring pieces with one routing. */
    record Part(Table.Use use, List<Piece> pieces) {
        int rows() {
            return pieces.stream().mapToInt(Piece::tokens).sum();
        }

        static List<Part> of(List<Piece> pieces) {
            Map<Table.Use, List<Piece>> byUse = new LinkedHashMap<>();
            for (Piece piece : pieces) {
                Table.Use use = piece.progress().use;
                if (use != null) {
                    byUse.computeIfAbsent(use, unused -> new ArrayList<>()).add(piece);
                }
            }
            List<Part> parts = new ArrayList<>();
            byUse.forEach((use, members) -> parts.add(new Part(use, members)));
            return parts;
        }

        /** The pieces of each part side by side, those of the base model alone at the end. */
        static List<Piece> order(List<Piece> pieces, List<Part> parts) {
            List<Piece> ordered = new ArrayList<>();
            parts.forEach(part -> ordered.addAll(part.pieces()));
            pieces.stream().filter(piece -> piece.progress().use == null).forEach(ordered::add);
            return ordered;
        }
    }
}
