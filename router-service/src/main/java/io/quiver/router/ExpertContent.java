package io.quiver.router;

import io.quiver.lora.merge.GeneralKnowledge;
import io.quiver.lora.merge.Merge;
import io.quiver.schemas.Digest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What an expert is made of: one adapter as it was uploaded, or several and a computation. Equal digests mean equal weights. */
public sealed interface ExpertContent permits PinnedExpert, ExpertContent.Merged, ExpertContent.Reduced {
    /** Stands for the weights, {@code sha256:…}: the adapter's own digest, or one of what was computed from which adapters. */
    Digest digest();

    /** The adapters whose files are needed. */
    List<PinnedExpert> adapters();

    /** What it is called in messages. */
    default String label() {
        return adapters().stream()
                .map(expert -> expert.adapter() + " version " + expert.version())
                .reduce((a, b) -> a + ", " + b)
                .orElseThrow();
    }

    /** About what the expert will take, by the bytes of the files. */
    long fileBytes();

    /** Adapters merged into one expert. */
    record Merged(List<PinnedExpert> adapters, Merge merge) implements ExpertContent {
        private static final String ALGORITHM = "merge-v1 ";

        public Merged {
            adapters = List.copyOf(adapters);
        }

        @Override
        public Digest digest() {
            return ExpertContent.digest(ALGORITHM + merge.canonical(), adapters);
        }

        @Override
        public long fileBytes() {
            // The ranks are equal, and the modules mostly.
            return adapters.stream().mapToLong(PinnedExpert::fileBytes).max().orElseThrow();
        }
    }

    /** An adapter without what general ones know. */
    record Reduced(PinnedExpert expert, Subtraction subtraction) implements ExpertContent {
        private static final String ALGORITHM = "general-knowledge-v1 ";

        @Override
        public Digest digest() {
            return ExpertContent.digest(ALGORITHM + subtraction.form().word(), adapters());
        }

        @Override
        public long fileBytes() {
            return subtraction.form() == GeneralKnowledge.FACTORS
                    ? expert.fileBytes()
                    : adapters().stream().mapToLong(PinnedExpert::fileBytes).sum();
        }

        @Override
        public List<PinnedExpert> adapters() {
            List<PinnedExpert> all = new ArrayList<>(List.of(expert));
            all.addAll(subtraction.general());
            return all;
        }
    }

    private static Digest digest(String computation, List<PinnedExpert> adapters) {
        StringBuilder lines = new StringBuilder(computation).append('\n');
        adapters.forEach(adapter -> lines.append(adapter.digest().hex()).append('\n'));
        return Digest.of(lines.toString().getBytes(StandardCharsets.UTF_8));
    }
}
