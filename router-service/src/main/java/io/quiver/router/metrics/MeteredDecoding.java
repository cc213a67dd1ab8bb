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
    }

    private Timer timer(String name, String model) {
        return Timer.builder(name).tag(MODEL, model).register(meters);
    }
}
