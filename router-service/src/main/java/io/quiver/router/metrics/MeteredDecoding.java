package io.quiver.router.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.quiver.router.DecodeObserver;
import io.quiver.router.DecodeScheduler;
import java.util.concurrent.TimeUnit;

/**
 * Counts decoding under the names of vLLM, with a dot where vLLM has a colon: a Prometheus registry makes
 * {@code vllm_num_requests_running} of {@code vllm.num_requests_running}.
 */
public final class MeteredDecoding implements DecodeObserver {
    private static final String MODEL = "model_name";

    private final MeterRegistry meters;

    public MeteredDecoding(MeterRegistry meters) {
        this.meters = meters;
    }

    @Override
    public void begun(String model, long waitedNanos) {
        timer("vllm.request_queue_time", model).record(waitedNanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public void prefix(String model, int promptTokens, int reusedTokens) {
        meters.counter("vllm.prefix_cache_queries", MODEL, model).increment(promptTokens);
        meters.counter("vllm.prefix_cache_hits", MODEL, model).increment(reusedTokens);
    }

    @Override
    public void decided(String model, String outcome) {
        meters.counter("quiver.router.evidence_decisions", MODEL, model, "outcome", outcome)
                .increment();
    }

    @Override
    public void routed(String model, String strategy, int texts) {
        meters.counter("quiver.router.texts", MODEL, model, "strategy", strategy)
                .increment(texts);
    }

    @Override
    public void nextToken(String model, long gapNanos) {
        timer("vllm.inter_token_latency", model).record(gapNanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public void firstToken(String model, long waitedNanos) {
        timer("vllm.time_to_first_token", model).record(waitedNanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public void tokens(String model, int promptTokens, int generatedTokens) {
        meters.counter("vllm.prompt_tokens", MODEL, model).increment(promptTokens);
        meters.counter("vllm.generation_tokens", MODEL, model).increment(generatedTokens);
    }

    @Override
    public void ended(String model, String how, long elapsedNanos) {
        meters.counter("vllm.request_success", MODEL, model, "finished_reason", how)
                .increment();
        timer("vllm.e2e_request_latency", model).record(elapsedNanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public void watch(String model, DecodeScheduler scheduler) {
        Gauge.builder("vllm.num_requests_running", scheduler, DecodeScheduler::runningCount)
                .tag(MODEL, model)
                .register(meters);
        Gauge.builder("vllm.num_requests_waiting", scheduler, DecodeScheduler::waitingCount)
                .tag(MODEL, model)
                .register(meters);
        Gauge.builder("vllm.kv_cache_usage_perc", scheduler, MeteredDecoding::cacheUsage)
                .tag(MODEL, model)
                .register(meters);
        Gauge.builder(
                        "quiver.router.prefix_bytes",
                        scheduler,
                        each -> each.load().prefixBytes())
                .tag(MODEL, model)
                .register(meters);
    }

    /** The part of the memory for keys and values that running texts have reserved, 0 to 1; kept prefixes give way. */
    private static double cacheUsage(DecodeScheduler scheduler) {
        DecodeScheduler.Load load = scheduler.load();
        return (double) load.reservedBytes() / load.cacheBytesMax();
    }

    private Timer timer(String name, String model) {
        return Timer.builder(name).tag(MODEL, model).register(meters);
    }
}
