package io.quiver.decoder;

/**
 * Where and how a decoder runs.
 *
 * @param device in libtorch's words: {@code cpu}, {@code cuda} or {@code cuda:1}
 * @param precision of the base model's weights, and with them of activations, experts and caches
 * @param threads that one operation may use on the CPU
 * @param stepTokensMax tokens in one pass through the model; longer prompts are fed in pieces
 * @param rankMax highest rank of an expert
 * @param kernels whether steps of few tokens may run in machine code of Quiver's own, where it is there and the device is the CPU
 */
public record DecoderSettings(
        String device, Precision precision, int threads, int stepTokensMax, int rankMax, boolean kernels) {
    public DecoderSettings {
        if (!device.matches("cpu|cuda(:[0-9]{1,2})?")) {
            throw new IllegalArgumentException("device must be cpu, cuda or cuda:N, but is " + device);
        }
        if (threads < 1 || stepTokensMax < 1 || rankMax < 1) {
            throw new IllegalArgumentException("threads, tokens of a step and ranks must be at least 1");
        }
    }

    /** With kernels where they can be had. */
    public DecoderSettings(String device, Precision precision, int threads, int stepTokensMax, int rankMax) {
        this(device, precision, threads, stepTokensMax, rankMax, true);
    }

    /** On the CPU, with passes of 512 tokens and ranks up to 256. */
    public static DecoderSettings cpu(Precision precision, int threads) {
        return new DecoderSettings("cpu", precision, threads, 512, 256);
    }

    /** The same without kernels. */
    public DecoderSettings withoutKernels() {
        return new DecoderSettings(device, precision, threads, stepTokensMax, rankMax, false);
    }

    /** Whether the device is the CPU. */
    public boolean onCpu() {
        return device.equals("cpu");
    }
}
