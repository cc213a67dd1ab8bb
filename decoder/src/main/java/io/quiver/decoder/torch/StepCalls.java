package io.quiver.decoder.torch;

import io.quiver.decoder.Decoder.Feed;
import io.quiver.decoder.Decoder.StepOutput;
import io.quiver.decoder.ModelConfig;
import io.quiver.decoder.Tracing;
import io.quiver.decoder.torch.StepParts.Part;
import io.quiver.decoder.torch.StepParts.Piece;
import io.quiver.decoder.torch.StepParts.Progress;
import io.quiver.decoder.torch.TensorProgram.Floats;
import java.util.ArrayList;
import java.util.List;

/**
 * Turns feeds into calls of the program's {@code step} and its tensors into outputs. Feeds with the same routing become one part
 * of the batch; feeds longer than a step are cut into pieces. Not thread-safe.
 */
final class StepCalls {
    /** Tokens up to which steps of few tokens take less time than libtorch's matrix products. */
    private static final int FEW_TOKENS_MAX = 32;

    /** The same where the kernels take steps of many tokens as well. */
    private static final int FEW_BESIDE_MANY_MAX = 24;

    private final TensorProgram program;
    private final ModelConfig config;
    private final List<Point> points;
    private final int stepTokensMax;
    private final boolean kernels;
    private final boolean reads;

    /** @param kernels whether the program has the kernels' part */
    StepCalls(TensorProgram program, ModelConfig config, List<Point> points, int stepTokensMax, boolean kernels) {
        this.program = program;
        this.config = config;
        this.points = points;
        this.stepTokensMax = stepTokensMax;
        this.kernels = kernels;
        reads = kernels && program.run("reads").get(0).values()[0] == 1;
    }

    /** Whether the kernels take whole steps of many tokens. */
    boolean reads() {
        return reads;
    }

    /** Feeds all tokens; the feeds were checked. */
    List<StepOutput> run(List<Feed> feeds) {
        List<Progress> all = feeds.stream().map(Progress::new).toList();
        for (List<Piece> pieces = next(all); !pieces.isEmpty(); pieces = next(all)) {
            List<Piece> few = pieces.stream().filter(this::forKernels).toList();
            for (int from = 0; from < few.size(); ) {
                int until = from + 1;
                int rows = few.get(from).tokens();
                while (until < few.size() && rows + few.get(until).tokens() <= FEW_TOKENS_MAX) {
                    rows += few.get(until++).tokens();
                }
                call("step_with_kernels", few.subList(from, until));
                from = until;
            }
            List<Piece> others =
                    pieces.stream().filter(piece -> !few.contains(piece)).toList();
            List<Piece> read = others.stream().filter(this::forReading).toList();
            if (!read.isEmpty()) {
                call("read_with_kernels", read);
            }
            List<Piece> rest =
                    others.stream().filter(piece -> !read.contains(piece)).toList();
            if (!rest.isEmpty()) {
                call("step", rest);
            }
        }
        return all.stream().map(Progress::output).toList();
    }

    private List<Piece> next(List<Progress> all) {
        List<Piece> pieces = new ArrayList<>();
        int room = stepTokensMax;
        for (Progress progress : all) {
            int tokens = Math.min(room, progress.left());
            if (tokens > 0) {
                int capacity = progress.sequence.capacityFor(progress.sequence.length() + tokens);
                pieces.add(new Piece(progress, tokens, capacity));
                room -= tokens;
            }
        }
        return pieces;
    }

    private boolean forKernels(Piece piece) {
        // Steps of few tokens keep no inputs.
        boolean probed = !piece.progress().sequence.probed().isEmpty();
        return kernels && plain(piece) && !probed && piece.tokens() <= (reads ? FEW_BESIDE_MANY_MAX : FEW_TOKENS_MAX);
    }

    private boolean forReading(Piece piece) {
        return reads && plain(piece);
    }

    /** Whether a piece wants nothing but what Arrow or constant coefficients make of it. */
    private static boolean plain(Piece piece) {
        Table.Use use = piece.progress().use;
        return use == null
                || (use.tracing() != Tracing.MODULES
                        && use.table().key().scoring().isEmpty());
    }

    private void call(String method, List<Piece> pieces) {
        List<Part> parts = Part.of(pieces);
        List<Piece> ordered = Part.order(pieces, parts);
        int[] tokens = new int[ordered.stream().mapToInt(Piece::tokens).sum()];
        long[] feeds = new long[5 * ordered.size()];
        int row = 0;
        for (int i = 0; i < ordered.size(); i++) {
            Piece piece = ordered.get(i);
            Progress progress = piece.progress();
            System.arraycopy(progress.feed.tokens(), progress.fed, tokens, row, piece.tokens());
            row += piece.tokens();
            feeds[5 * i] = progress.sequence.id();
            feeds[5 * i + 1] = piece.tokens();
            feeds[5 * i + 2] = progress.sequence.length();
            feeds[5 * i + 3] = piece.capacity();
            feeds[5 * i + 4] = progress.feed.everyToken() ? 1 : 0;
        }
        List<Floats> results = program.run(method, tokens, feeds, numbers(parts), inverseTemperatures(parts));
        List<Floats> decided = results.subList(takeLogits(ordered, results), results.size());
        int traced = takeTrace(parts, decided);
        takeShares(parts, decided.subList(traced, decided.size()));
        for (Piece piece : ordered) {
            piece.progress().sequence.advance(piece.tokens(), piece.capacity());
            piece.progress().fed += piece.tokens();
        }
    }

    private static long[] numbers(List<Part> parts) {
        long[] numbers = new long[6 * parts.size()];
        int row = 0;
        for (int i = 0; i < parts.size(); i++) {
            Part part = parts.get(i);
            numbers[6 * i] = row;
            numbers[6 * i + 1] = part.rows();
            numbers[6 * i + 2] = part.use().table().id();
            numbers[6 * i + 3] = part.use().topK();
            numbers[6 * i + 4] = part.use().factors() ? 1 : 0;
            numbers[6 * i + 5] = kind(part.use().tracing());
            row += part.rows();
        }
        return numbers;
    }

    private static long kind(Tracing tracing) {
        return tracing == Tracing.MODULES ? 1 : tracing == Tracing.SHARES ? 2 : 0;
    }

    private static double[] inverseTemperatures(List<Part> parts) {
        return parts.stream().mapToDouble(part -> 1 / part.use().temperature()).toArray();
    }

    /** @return how many of the tensors are logits: those of each piece's last or of all its tokens // (vocabulary) each */
    private static int takeLogits(List<Piece> pieces, List<Floats> tensors) {
        int row = 0;
        for (Piece piece : pieces) {
            int rows = piece.progress().feed.everyToken() ? piece.tokens() : 1;
            for (int i = 0; i < rows; i++, row++) {
                if (piece.wanted()) {
                    piece.progress().logits.add(tensors.get(row).values());
                }
            }
        }
        return row;
    }

    /**
     * Takes the decisions of traced parts.
     *
     * @param tensors scores and coefficients by point and traced part // (rows, modules of the point, experts) each
     * @return how many of the tensors these were
     */
    private int takeTrace(List<Part> parts, List<Floats> tensors) {
        int next = 0;
        int firstModule = 0;
        for (Point point : points) {
            for (Part part : parts) {
                boolean[] present = new boolean[point.modules().size()];
                for (int j = 0; j < present.length; j++) {
                    present[j] = part.use().table().traced(firstModule + j);
                }
                if (part.use().tracing() == Tracing.MODULES && any(present)) {
                    takeTrace(part, point, firstModule, tensors.get(next), tensors.get(next + 1));
                    next += 2;
                }
            }
            firstModule += point.modules().size();
        }
        return next;
    }

    /** @param tensors by part that wants shares: experts chosen and their coefficients // (feeds, chosen over all modules) each */
    private void takeShares(List<Part> parts, List<Floats> tensors) {
        int next = 0;
        for (Part part : parts) {
            if (part.use().tracing() == Tracing.SHARES && next < tensors.size()) {
                ChosenExperts chosen = ChosenExperts.of(points, part.use());
                for (int i = 0; i < part.pieces().size(); i++) {
                    part.pieces().get(i).progress().shares = chosen.shares(
                            tensors.get(next).values(), tensors.get(next + 1).values(), i);
                }
                next += 2;
            }
        }
    }

    private static boolean any(boolean[] flags) {
        for (boolean flag : flags) {
            if (flag) {
                return true;
            }
        }
        return false;
    }

    private static void takeTrace(Part part, Point point, int firstModule, Floats scores, Floats coefficients) {
        Table.Key key = part.use().table().key();
        int n = key.experts().size();
        int modules = point.modules().size();
        for (int j = 0; j < modules; j++) {
            if (!part.use().table().traced(firstModule + j)) {
                continue;
            }
            int row = 0;
            for (Piece piece : part.pieces()) {
                float[][] pieceScores = new float[piece.tokens()][n];
                float[][] pieceCoefficients = new float[piece.tokens()][n];
                for (int t = 0; t < piece.tokens(); t++, row++) {
                    int at = (row * modules + j) * n;
                    for (int e = 0; e < n; e++) {
                        boolean choosable = key.choosable(e, firstModule + j);
                        pieceScores[t][e] = choosable ? scores.values()[at + e] : -1;
                        pieceCoefficients[t][e] = choosable ? coefficients.values()[at + e] : 0;
                    }
                }
                List<float[][]> collected =
                        piece.progress().trace.computeIfAbsent(point.modules().get(j), unused -> new ArrayList<>());
                collected.add(pieceScores);
                collected.add(pieceCoefficients);
            }
        }
    }
}
