package io.quiver.decoder.torch;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the environment allows OpenMP. Where it gives a parallel region fewer threads than were asked for, oneDNN leaves parts of a
 * product uncomputed and says nothing.
 */
final class ThreadLimits {
    private ThreadLimits() {}

    /**
     * Refuses an environment in which the decoder would not get its threads.
     *
     * @param threads of one operation
     * @param environment names and values
     * @throws IllegalStateException naming the variable and what to do
     */
    static void check(int threads, Map<String, String> environment) {
        @Nullable String limit = environment.get("OMP_THREAD_LIMIT");
        if (limit != null && limit.strip().matches("[0-9]{1,9}") && Integer.parseInt(limit.strip()) < threads) {
            throw new IllegalStateException("OMP_THREAD_LIMIT=" + limit + " allows fewer threads than the decoder's "
                    + threads + ", and results would be wrong: unset it, or give the decoder at most that many");
        }
        @Nullable String dynamic = environment.get("OMP_DYNAMIC");
        if (threads > 1 && dynamic != null && dynamic.strip().equalsIgnoreCase("true")) {
            throw new IllegalStateException("OMP_DYNAMIC=" + dynamic + " may give the decoder fewer threads than its "
                    + threads + ", and results would be wrong: unset it, or give the decoder one thread");
        }
    }
}
