#!/usr/bin/env python3
"""Times token-by-token decoding with PEFT's own Arrow, and of the bare base model, on the shape of SmolLM2-135M.

    python peft_arrow.py --experts 8 --tokens 24 --threads 2 --json
    python peft_arrow.py --base-only --tokens 40 --threads 2 --json

Weights are random and seeded: time does not depend on what a model knows. The experts are LoRA of rank 16 on all seven
linears, with nonzero B. They are written to a temporary folder (10 MB each), because PEFT's `create_arrow_model` reads
folders, and are deleted at the end. One JSON object a line with --json, one sentence without.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path

import peft
import torch
import transformers
from peft import ArrowConfig, LoraConfig, create_arrow_model
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

SEED = 7
RANK, ALPHA = 16, 32
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


def base_model(dtype: torch.dtype) -> LlamaForCausalLM:
    torch.manual_seed(SEED)
    config = LlamaConfig(
        vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
        num_key_value_heads=3, head_dim=64, max_position_embeddings=2048, tie_word_embeddings=True, rope_theta=100000.0)
    return LlamaForCausalLM(config).to(dtype).eval()


def write_expert(folder: Path, model: LlamaForCausalLM, seed: int) -> None:
    """One PEFT folder. A and B are scaled so that an expert changes the output without drowning it."""
    rng = torch.Generator().manual_seed(seed)
    tensors = {}
    for path, module in model.named_modules():
        if path.rsplit(".", 1)[-1] in LINEARS:
            a = torch.randn(RANK, module.in_features, generator=rng) * module.in_features ** -0.5
            b = torch.randn(module.out_features, RANK, generator=rng) * 0.02
            tensors[f"base_model.model.{path}.lora_A.weight"] = a.to(torch.bfloat16)
            tensors[f"base_model.model.{path}.lora_B.weight"] = b.to(torch.bfloat16)
    LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=LINEARS, task_type="CAUSAL_LM").save_pretrained(str(folder))
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})


def with_arrow(model, experts: int, top_k: int, adapter_dtype: torch.dtype):
    with tempfile.TemporaryDirectory(prefix="peft-arrow-") as scratch:
        folders = [Path(scratch) / f"expert-{i}" for i in range(experts)]
        for i, folder in enumerate(folders):
            folder.mkdir()
            write_expert(folder, model, seed=1000 + i)
        # PEFT turns bf16 adapters into fp32 unless told otherwise, which is slower here.
        routed = create_arrow_model(model, [str(f) for f in folders],
                                    ArrowConfig(top_k=top_k, router_temperature=1.0, rng_seed=SEED),
                                    autocast_adapter_dtype=adapter_dtype == torch.float32)
    for name, parameter in routed.named_parameters():
        if "lora_" in name and "arrow_router" in name:
            parameter.data = parameter.data.to(adapter_dtype)
    return routed.eval()


@torch.inference_mode()
def time_decoding(model, context: int, tokens: int, warmup: int) -> dict:
    """Greedy decoding with a KV cache, batch 1. The first pass over the context also builds PEFT's prototypes."""
    ids = torch.randint(0, 49152, (1, context), generator=torch.Generator().manual_seed(SEED))

    def step(ids, cache):
        start, start_cpu = time.perf_counter(), time.process_time()
        out = model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        next_id = out.logits[:, -1:].argmax(-1)
        return next_id, out.past_key_values, (time.perf_counter() - start) * 1000, (time.process_time() - start_cpu) * 1000

    _, _, first_ms, _ = step(ids, None)
    next_id, cache, prefill_ms, _ = step(ids, None)
    times, cpu_times = [], []
    for _ in range(warmup + tokens):
        next_id, cache, ms, cpu_ms = step(next_id, cache)
        times.append(ms)
        cpu_times.append(cpu_ms)
    timed = sorted(times[warmup:])
    return {"ms_per_token_median": round(statistics.median(timed), 2), "ms_per_token_min": round(timed[0], 2),
            "ms_per_token_p90": round(timed[int(0.9 * (len(timed) - 1))], 2),
            # of all threads together: what remains comparable when other processes want the cores, too
            "cpu_ms_per_token_median": round(statistics.median(cpu_times[warmup:]), 2),
            "prefill_ms": round(prefill_ms, 1), "first_prefill_ms": round(first_ms, 1)}


def report(record: dict, as_json: bool) -> None:
    if as_json:
        print(json.dumps(record), flush=True)
    else:
        print(f"{record['what']}, {record['experts']} experts: {record['ms_per_token_median']} ms a token "
              f"(median of {record['tokens']})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experts", type=int, nargs="+", default=[8], help="library sizes, timed one after the other")
    parser.add_argument("--top-k", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=24, help="timed tokens")
    parser.add_argument("--warmup", type=int, default=4, help="decoded before the timing starts")
    parser.add_argument("--context", type=int, default=32, help="tokens in the cache when decoding starts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", choices=DTYPES, default="bf16")
    parser.add_argument("--adapter-dtype", choices=DTYPES, help="default: as --dtype; fp32 is what PEFT does by itself")
    parser.add_argument("--base-only", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    adapter_dtype = options.adapter_dtype or options.dtype
    conditions = {"dtype": options.dtype, "threads": options.threads, "context": options.context, "tokens": options.tokens,
                  "torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__,
                  "machine": platform.machine()}

    timed = time_decoding(base_model(DTYPES[options.dtype]), options.context, options.tokens, options.warmup)
    report({"what": "transformers base", "experts": 0, **timed, **conditions}, options.json)
    for experts in [] if options.base_only else options.experts:
        model = with_arrow(base_model(DTYPES[options.dtype]), experts, options.top_k, DTYPES[adapter_dtype])
        timed = time_decoding(model, options.context, options.tokens, options.warmup)
        report({"what": "peft arrow", "experts": experts, "top_k": options.top_k, "rank": RANK,
                "adapter_dtype": adapter_dtype, **timed, **conditions}, options.json)


if __name__ == "__main__":
    main()
