"""Writes a folder of reference values for `quiver verify`: models, adapters, prototypes, Arrow cases,
other strategies, a tokenizer.

    pip install -r requirements.txt && python generate.py --seed 7 --out /tmp/goldens

float32 values come from transformers and PEFT where they have the case; every one of them is held against decoder.py and plain.py in
float64 before it is written. Prompts are chosen so that no step is near a tie.
"""

import argparse
import json
import random
import re
from pathlib import Path

import torch
import transformers
from peft import ArrowConfig, LoraConfig
from peft.tuners.lora import create_arrow_model
from safetensors.torch import save_file

import adapters
import models
import text
from decoder import PlainDecoder
from plain import Arrow, Gated, alone, merged, without_factors, without_updates

MARGIN_MIN = 5e-3  # between the two likeliest tokens of every step
GAP_MIN = 1e-4  # between the last score chosen and the first not chosen
ERROR_MAX = 4e-5  # float32 against float64
DRAWS_MAX = 10  # texts tried for one that does not magnify rounding


class Goldens:
    def __init__(self, root, seed, steps):
        self.root, self.steps = root, steps
        self.rng, self.generator = random.Random(seed), torch.Generator().manual_seed(seed)
        self.lengths = sorted({1, self.rng.randint(2, 14), self.rng.randint(15, 60)})
        self.tokenizer = text.train(262 + self.rng.randint(5, 60))

    # Base models

    def model(self, shape):
        folder = self.root / "models" / shape.name
        models.save(shape, folder, self.rng, self.generator, self.tokenizer)
        reference = models.load(folder)
        extra = {"model_type": shape.family, "chat": text.chat(self.tokenizer)}
        if shape.exact:
            plain = PlainDecoder(reference.config, models.weights(folder))
            self.case(folder / "expected.json", extra, by_reference(reference), plain.logits, exact=torch.float64)
        else:
            self.unchecked(folder, extra, reference)

    # Adapters

    def adapter(self, name, base, fields):
        drawn = {"r": self.rng.randint(2, 12), "lora_alpha": self.rng.randint(1, 24), "task_type": "CAUSAL_LM"}
        dtype = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(name, torch.float32)
        path = f"adapters/{name}"
        adapters.save(self.root, path, base, LoraConfig(**(drawn | fields)), self.generator, dtype)
        updates = adapters.updates(self.root, path, base)
        self.write(self.root / path / "prototypes.json", adapters.prototypes(updates))
        plain, delta = self.plain(base), alone(updates)
        self.case(
            self.root / path / "expected.json",
            {"model": f"models/{base}"},
            by_reference(adapters.load(self.root, path, base)),
            lambda ids: plain.logits(ids, delta),
        )

    def beyond(self, name, config):
        path = f"adapters/beyond-{name}"
        adapters.save(self.root, path, "untied", config, self.generator)
        self.unchecked(self.root / path, {"model": "models/untied"}, adapters.load(self.root, path, "untied"))

    # Arrow

    def library(self, base, size):
        """Experts that PEFT's Arrow takes as a whole: one rank, the same modules; alphas differ."""
        rank, names = self.rng.choice([1, 3, 6]), []
        for e in range(size):
            names.append(f"arrow/{base}-experts/e{e}")
            alpha = rank * 2 if e < 3 else self.rng.randint(1, 20)
            config = LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear", task_type="CAUSAL_LM")
            adapters.save(self.root, names[-1], base, config, self.generator)
            prototypes = adapters.prototypes(adapters.updates(self.root, names[-1], base))
            self.write(self.root / names[-1] / "prototypes.json", prototypes)
        return names

    def arrow(self, name, base, experts, top_k, temperature, combine="outputs", by_peft=True):
        folder = self.root / "arrow" / name
        library = [adapters.updates(self.root, expert, base) for expert in experts]
        settings = (top_k or len(experts), temperature, combine)
        plain, exact = self.plain(base), Arrow(library, *settings)
        if by_peft:
            reference, trace = by_peft_arrow(self.root, base, experts, exact.prototypes, *settings[:2])
        else:
            single, delta = self.plain(base, torch.float32), Arrow(library, *settings, torch.float32)
            reference, trace = (lambda ids: single.logits(ids, delta)), delta.trace
        extra = {
            "computed_by": "peft" if by_peft else "plain",
            "model": f"models/{base}",
            "experts": experts,
            "general_knowledge": [],
            "top_k": top_k,
            "temperature": temperature,
            "combine": combine,
            "traced_prompt": self.lengths[1],
            "eligible": exact.eligible,
        }
        self.case(folder / "case.json", extra, reference, lambda ids: plain.logits(ids, exact), exact, trace)

    # Other strategies

    def gated(self, experts):
        """Copies of experts with a random gate vector on every module but one."""
        return [adapters.with_gate_vectors(self.root, expert, self.generator, e) for e, expert in enumerate(experts)]

    def gate(self, name, base, experts, gate, top_k, temperature, general=(), form="factors", **gated):
        """A library behind a gate that PEFT does not have, or without general knowledge."""
        library = [adapters.updates(self.root, expert, base) for expert in experts]
        if general:
            others = [adapters.updates(self.root, adapter, base) for adapter in general]
            subtract = without_factors if form == "factors" else without_updates
            library = [subtract(expert, others) for expert in library]
        if gate == "phatgoose":
            gated["vectors"] = [adapters.gate_vectors(self.root, expert) for expert in experts]
        single, plain = self.plain(base, torch.float32), self.plain(base)
        settings = (top_k, temperature, "outputs")
        rough, exact = Gated(library, *settings, torch.float32, gate=gate, **gated), Gated(library, *settings, gate=gate, **gated)
        said = {k: v for k, v in gated.items() if k != "vectors"}
        extra = {"computed_by": "plain", "model": f"models/{base}", "experts": experts, "strategy": gate}
        extra |= {"top_k": top_k, "temperature": temperature, "traced_prompt": self.lengths[1]} | said
        extra |= {"general_knowledge": list(general), "general_knowledge_form": form} if general else {}
        path = self.root / "strategies" / name / "case.json"
        self.case(path, extra, lambda ids: single.logits(ids, rough), lambda ids: plain.logits(ids, exact), exact, rough.trace)

    def merge(self, name, base, experts, method, weights, density=1.0, election="total", seed=0):
        """A merge by PEFT; the same in float64 by plain.py."""
        settings = {"weights": weights, "density": density, "majority_sign": election, "seed": seed}
        library = [adapters.updates(self.root, expert, base) for expert in experts]
        plain, delta = self.plain(base), alone(merged(library, method, weights, density, election, seed))
        extra = {"computed_by": "peft", "model": f"models/{base}", "experts": experts, "strategy": method} | settings
        reference = by_reference(adapters.load_merged(self.root, experts, base, method, **settings))
        path = self.root / "strategies" / name / "case.json"
        self.case(path, extra, reference, lambda ids: plain.logits(ids, delta))

    # What all cases have in common

    def plain(self, base, dtype=torch.float64):
        folder = self.root / "models" / base
        return PlainDecoder(models.load(folder).config, models.weights(folder), dtype)

    def case(self, path, extra, reference, plain, arrow=None, trace=None, exact=torch.float32):
        """Chooses prompts and writes the values of both computations, which must agree."""
        prompts, tensors = [], {}
        for tokens in self.lengths:
            for _ in range(DRAWS_MAX):
                chosen, ids, path_ids, margin, gap = self.choose(tokens, plain, arrow)
                single, double = reference(ids), plain(ids)
                error = distance(single, double)
                if error <= ERROR_MAX:
                    break
            else:
                raise AssertionError(f"{path}: float32 and float64 differ by {error}")
            tensors[f"logits.{tokens}"], tensors[f"exact.{tokens}"] = single, double.to(exact)
            if trace is not None and tokens == self.lengths[1]:
                for module, (scores, coefficients) in trace.items():
                    tensors[f"score.{module}"], tensors[f"coeff.{module}"] = scores, coefficients
                    expected = arrow.trace[module]
                    if max(distance(scores, expected[0]), distance(coefficients, expected[1])) > ERROR_MAX:
                        raise AssertionError(f"{path}: routing of {module} differs in float32 and float64")
            whole = reference(ids + path_ids)[tokens - 1 : -1].argmax(dim=1).tolist()
            if whole != path_ids:
                raise AssertionError(f"{path}: float32 and float64 choose other tokens")
            prompt = {"text": chosen, "ids": ids, "greedy": path_ids, "min_margin": margin}
            prompt |= {"min_routing_gap": gap} if gap < float("inf") else {}
            prompts.append(prompt | {"max_abs_diff_f32_f64": error})
        self.write(path, extra | {"prompts": prompts})
        save_file({k: v.contiguous() for k, v in tensors.items()}, path.parent / "expected.safetensors")
        print(path.relative_to(self.root), max(p["max_abs_diff_f32_f64"] for p in prompts), flush=True)

    def unchecked(self, folder, extra, reference):
        """One prompt of a case that is there to be refused."""
        chosen, ids = next(text.windows(self.tokenizer, self.lengths[1], self.rng))
        self.write(folder / "expected.json", extra | {"prompts": [{"text": chosen, "ids": ids}]})
        save_file({f"logits.{len(ids)}": by_reference(reference)(ids)}, folder / "expected.safetensors")

    def choose(self, tokens, plain, arrow):
        """A text of so many tokens whose greedy continuation stays clear of ties."""
        for chosen, ids in text.windows(self.tokenizer, tokens, self.rng):
            if arrow is not None:
                arrow.gap = float("inf")
            path, margin = [], float("inf")
            while len(path) < self.steps and margin >= MARGIN_MIN and (arrow is None or arrow.gap >= GAP_MIN):
                best = plain(ids + path)[-1].topk(2)
                margin = min(margin, (best.values[0] - best.values[1]).item())
                path.append(best.indices[0].item())
            gap = float("inf") if arrow is None else arrow.gap
            if margin >= MARGIN_MIN and gap >= GAP_MIN:
                return chosen, ids, path, margin, gap

    def write(self, path, value):
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = json.dumps(value, indent=1, ensure_ascii=False)
        numbers = re.compile(r"\[\s+(-?[\d.eE+-]+(?:,\s+-?[\d.eE+-]+)*)\s+\]")
        path.write_text(numbers.sub(lambda m: "[" + re.sub(r",\s+", ", ", m[1]) + "]", lines) + "\n")


def strategies(goldens, experts, mixed):
    """Every strategy beside plain Arrow; experts are of one rank, mixed are not."""
    goldens.gate("arrow-unit-min", "untied", mixed, "arrow", 2, 0.1, input_norm="unit", min_score=0.08)
    goldens.gate("arrow-layer-norm", "untied", experts, "arrow", 2, 0.7, input_norm="layer_norm")
    goldens.gate("spectr", "untied", experts, "spectr", 2, 1.0)
    goldens.gate("spectr-mixed-unit", "untied", mixed, "spectr", 3, 0.05, input_norm="unit")
    goldens.gate("lag", "untied", experts, "lag", 2, 1.0, candidates=3)
    goldens.gate("lag-mixed-min", "untied", mixed, "lag", 1, 0.5, candidates=4, min_score=0.5)
    gated = goldens.gated(experts)
    goldens.gate("phatgoose", "untied", gated, "phatgoose", 2, 1.0)
    goldens.gate("general-factors", "untied", experts[:3], "arrow", 2, 1.0, experts[3:])
    goldens.gate("general-updates", "untied", experts[:3], "arrow", 2, 1.0, experts[3:], "updates")
    goldens.gate("general-updates-mixed", "untied", mixed[1:4], "spectr", 2, 1.0, mixed[4:6], "updates")
    goldens.merge("linear", "untied", experts[:3], "linear", [0.8, -0.3, 0.6])
    goldens.merge("cat-mixed", "untied", mixed[1:4], "cat", [0.8, -0.3, 0.6])
    goldens.merge("ties", "untied", experts[:4], "ties", [1.0, 0.5, 0.7, 0.9], 0.4)
    goldens.merge("ties-frequency", "untied", experts[:3], "ties", [1.0, -0.5, 0.7], 0.7, "frequency")
    goldens.merge("dare-linear", "untied", experts[:3], "dare_linear", [0.5, 0.4, -0.3], 0.6, seed=11)
    goldens.merge("dare-ties", "untied", experts[:3], "dare_ties", [0.5, 0.4, 0.3], 0.6, seed=5_000_000_000)
    goldens.merge("magnitude-prune", "untied", experts[:3], "magnitude_prune", [0.8, -0.3, 0.6], 0.5)


def by_reference(model):
    """Logits of a transformers or PEFT model, (tokens) -> (tokens, vocabulary)."""
    return lambda ids: model(input_ids=torch.tensor([ids])).logits[0].float()


def by_peft_arrow(root, base, experts, prototypes, top_k, temperature):
    """Logits of PEFT's Arrow with exact prototypes, and what the last call's routers decided, by module."""
    config = ArrowConfig(top_k=top_k, router_temperature=temperature)
    paths = [str(root / expert) for expert in experts]
    model = create_arrow_model(models.load(root / "models" / base), paths, config).eval()
    trace = {}

    def record(module, router, x):
        scores = (x.view(-1, x.shape[-1]) @ router.prototypes.T).abs()
        best = scores.topk(router.top_k, dim=1)
        chosen = torch.full_like(scores, float("-inf")).scatter(1, best.indices, best.values)
        trace[module] = scores, torch.softmax(chosen / router.temperature, dim=1)

    for path, layer in model.named_modules():
        if hasattr(layer, "lora_arrow"):
            module, router = path.removeprefix("base_model.model."), layer.lora_arrow["arrow_router"]
            # Instead of PEFT's own, which come from a fixed number of power iterations.
            router.register_buffer("prototypes", prototypes[module].float(), persistent=False)
            router._protos_ready = True
            router.register_forward_pre_hook(lambda router, args, module=module: record(module, router, args[0]))
    return by_reference(model), trace


def distance(single, double):
    return (single.double() - double.double()).abs().max().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=48, help="tokens of a greedy continuation")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    transformers.utils.logging.disable_progress_bar()
    goldens = Goldens(options.out, options.seed, options.steps)
    for shape in models.SHAPES:
        goldens.model(shape)
    for name, (base, fields) in adapters.PLAIN.items():
        goldens.adapter(name, base, fields)
    for name, config in adapters.BEYOND.items():
        goldens.beyond(name, config)
    experts_of = {}
    for base, size in (("untied", 5), ("wide-heads", 3)):
        experts = experts_of[base] = goldens.library(base, size)
        goldens.arrow(f"{base}-top1", base, experts, 1, 1.0)
        goldens.arrow(f"{base}-top2-cool", base, experts, 2, 0.5)
        goldens.arrow(f"{base}-all-warm", base, experts, None, 4.0)
        goldens.arrow(f"{base}-factors-top2", base, experts[:3], 2, 1.0, "factors", by_peft=False)
        goldens.arrow(f"{base}-factors-all", base, experts[:3], None, 0.7, "factors", by_peft=False)
    for base in ("phi3", "phi", "gemma3"):
        experts = goldens.library(base, 3)
        goldens.arrow(f"{base}-top2", base, experts, 2, 1.0)
        goldens.arrow(f"{base}-factors-all", base, experts, None, 0.7, "factors", by_peft=False)
    mixed = [f"adapters/{name}" for name, (base, _) in adapters.PLAIN.items() if base == "untied"]
    goldens.arrow("mixed-top2", "untied", mixed, 2, 1.0, by_peft=False)
    goldens.arrow("mixed-all", "untied", mixed[::-1], None, 0.5, by_peft=False)
    strategies(goldens, experts_of["untied"], mixed)
    goldens.write(options.out / "cases/tokenizer.json", text.tokenizer_case(goldens.tokenizer, "models/untied"))


if __name__ == "__main__":
    main()
