package io.quiver.objectstore;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Calls on eight threads at once. */
final class InParallel {
    private InParallel() {}

    /** The results in the order of the calls; throws what a call threw, in an ExecutionException. */
    static <T> List<T> call(List<Callable<T>> calls) throws Exception {
        var threads = Executors.newFixedThreadPool(8);
        try {
            List<T> results = new ArrayList<>();
            for (Future<T> future : threads.invokeAll(calls)) {
                results.add(future.get());
            }
            return results;
        } finally {
            threads.shutdownNow();
        }
    }
}
