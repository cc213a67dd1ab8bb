#!/usr/bin/env python3
"""Times a base model alone, batch 1: Quiver beside transformers and llama.cpp, taking turns in one run.

    python base_speed.py --models FOLDER --threads 2 --rounds 7 -- COMMAND OF OUR ENGINE

FOLDER is what base_models.py wrote. Each round every engine reads a prompt of 512 tokens, and a short one after which it decodes
greedily; texts and order change from round to round, and the first round does not count. Medians over all rounds, and ratios of
medians. `same` says after how many of the prompts the most probable token is ours too: it is the same model everywhere, but
rounding decides where two tokens are almost as probable.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
from pathlib import Path

from transformers import AutoTokenizer

HERE = Path(__file__).resolve().parent
PREFILL_TOKENS, CONTEXT_TOKENS, DECODE_TOKENS, STRIDE_TOKENS = 512, 64, 32, 96


class Engine:
    """A process that answers tasks."""

    def __init__(self, name: str, command: list[str], log):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self.version = self.read()["ready"]
        self.prefills, self.steps, self.predictions = [], [], []

    def read(self) -> dict:
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit(f"{self.name} ended; its log says why")

    def ask(self, generate: int, prompt: list[int]) -> dict:
        print(generate, *prompt, file=self.process.stdin, flush=True)
        return self.read()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)


def quantile(values: list[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--text", type=Path, default=HERE.parent.parent / "LICENSE", help="what the prompts are cut from")
    parser.add_argument("ours", nargs="+", help="the command that starts io.quiver.benchmarks.BaseSpeed")
    options = parser.parse_args()
    threads, models = str(options.threads), options.models
    ids = AutoTokenizer.from_pretrained(models / "hf")(options.text.read_text())["input_ids"]
    if len(ids) < options.rounds * STRIDE_TOKENS + PREFILL_TOKENS:
        parser.error(f"{options.text} is too short for {options.rounds} rounds")
    python = [sys.executable, str(HERE / "base_engines.py")]
    with open(models / "base_speed.log", "w") as log:
        bandwidth = Engine("bandwidth", [*python, "bandwidth", "-", threads], log)
        engines = [
            Engine("Quiver bf16", [*options.ours, str(models / "hf"), "bf16", threads], log),
            Engine("Quiver int8", [*options.ours, str(models / "hf"), "int8", threads], log),
            Engine("Quiver int4", [*options.ours, str(models / "hf"), "int4", threads], log),
            Engine("transformers bf16", [*python, "transformers", str(models / "hf"), threads], log),
            Engine("llama.cpp BF16", [*python, "llama", str(models / "bf16.gguf"), threads], log),
            Engine("llama.cpp Q8_0", [*python, "llama", str(models / "q8_0.gguf"), threads], log),
            Engine("llama.cpp Q4_0", [*python, "llama", str(models / "q4_0.gguf"), threads], log),
        ]
        rates, order = [], random.Random(1)
        for round_number in range(options.rounds + 1):
            rates.append(bandwidth.ask(0, [0])["bytesPerSecond"])
            begin = round_number * STRIDE_TOKENS
            long, short = ids[begin:begin + PREFILL_TOKENS], ids[begin:begin + CONTEXT_TOKENS]
            for engine in order.sample(engines, len(engines)):
                prefill, decode = engine.ask(0, long), engine.ask(DECODE_TOKENS, short)
                engine.predictions += [prefill["tokens"][0], decode["tokens"][0]]
                if round_number > 0:
                    engine.prefills.append(prefill["promptMillis"])
                    engine.steps += decode["stepMillis"]
        for engine in [bandwidth, *engines]:
            engine.close()
    report(engines, rates, (models / "hf" / "model.safetensors").stat().st_size)


def report(engines: list[Engine], rates: list[float], weight_bytes: int) -> None:
    ours = engines[0]
    step, prefill = statistics.median(ours.steps), statistics.median(ours.prefills)
    print(f"| median of {len(ours.prefills)} rounds | ms a token | p10 | p90 | ratio to ours | ms, {PREFILL_TOKENS} tokens | ratio to ours | same |")
    print("|---|---|---|---|---|---|---|---|")
    for engine in engines:
        median, first = statistics.median(engine.steps), statistics.median(engine.prefills)
        same = sum(a == b for a, b in zip(engine.predictions, ours.predictions))
        print(f"| {engine.name} | {median:.1f} | {quantile(engine.steps, 0.1):.1f} | {quantile(engine.steps, 0.9):.1f} | {median / step:.2f} "
              f"| {first:.0f} | {first / prefill:.2f} | {same} of {len(ours.predictions)} |")
    rate = statistics.median(rates)
    print()
    print(f"Memory was read at {rate / 1e9:.1f} GB/s in the same run: {weight_bytes / 1e6:.0f} MB of bf16 weights take {1000 * weight_bytes / rate:.1f} ms, "
          f"so Quiver decodes at {weight_bytes / rate * 1000 / step:.2f} of it.")
    for engine in engines:
        print(f"{engine.name}: {engine.version}", file=sys.stderr)


if __name__ == "__main__":
    main()
