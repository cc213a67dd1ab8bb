#!/usr/bin/env python3
"""One engine of base_speed.py in a process of its own, so that it has its threads for itself.

    python base_engines.py transformers|llama|bandwidth MODEL THREADS

Reads tasks from standard input, one a line: how many tokens to generate, then the ids of the prompt. Answers each with a JSON
line: milliseconds of the prompt and of every step, and the greedy tokens. `bandwidth` decodes nothing: it says how many bytes
a second can be read from memory with as many threads.
"""

import json
import sys
import time


def answer(record: dict) -> None:
    print(json.dumps(record), flush=True)


def serve(prompt_step, token_step) -> None:
    """prompt_step(ids) begins a text and returns the next token; token_step(id) goes on."""
    for line in sys.stdin:
        generate, *prompt = (int(number) for number in line.split())
        start = time.perf_counter()
        token = prompt_step(prompt)
        prompt_millis = (time.perf_counter() - start) * 1000
        tokens, steps = [token], []
        for _ in range(generate):
            start = time.perf_counter()
            token = token_step(token)
            steps.append((time.perf_counter() - start) * 1000)
            tokens.append(token)
        answer({"promptMillis": prompt_millis, "stepMillis": steps, "tokens": tokens})


def transformers(model: str, threads: int) -> None:
    import torch
    import transformers

    torch.set_num_threads(threads)
    network = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16).eval()
    cache = None

    def step(ids):
        nonlocal cache
        with torch.inference_mode():
            out = network(input_ids=torch.tensor([ids]), past_key_values=cache, use_cache=True, logits_to_keep=1)
        cache = out.past_key_values
        return int(out.logits[0, -1].argmax())

    def begin(ids):
        nonlocal cache
        cache = None
        return step(ids)

    answer({"ready": f"transformers {transformers.__version__}, torch {torch.__version__}"})
    serve(begin, lambda token: step([token]))


def llama(model: str, threads: int) -> None:
    import llama_cpp
    import numpy

    engine = llama_cpp.Llama(model, n_ctx=1024, n_batch=512, n_ubatch=512, n_threads=threads, n_threads_batch=threads, verbose=False)
    context, vocabulary = engine.ctx, engine.n_vocab()

    def step(ids):
        array = (llama_cpp.llama_token * len(ids))(*ids)
        if llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(array, len(ids))) != 0:
            raise SystemExit("llama_decode failed")
        logits = llama_cpp.llama_get_logits_ith(context, -1)
        return int(numpy.ctypeslib.as_array(logits, (vocabulary,)).argmax())

    def begin(ids):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
        return step(ids)

    answer({"ready": f"llama-cpp-python {llama_cpp.__version__}"})
    serve(begin, lambda token: step([token]))


def bandwidth(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    memory = torch.ones(1 << 26, dtype=torch.int64)  # 512 MiB, more than any cache
    answer({"ready": f"torch {torch.__version__}"})
    for _ in sys.stdin:
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            memory.sum()
            best = min(best, time.perf_counter() - start)
        answer({"bytesPerSecond": memory.numel() * 8 / best})


if __name__ == "__main__":
    kind, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if kind == "bandwidth":
        bandwidth(count)
    else:
        {"transformers": transformers, "llama": llama}[kind](path, count)
