"""Arrow and its neighbours, written plainly, to measure with: exact prototypes, outputs mixed, every expert computed."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer


@dataclass(frozen=True)
class Strategy:
    """How the coefficients of a token come about. `kind`: base, forced, uniform or arrow."""
    kind: str
    expert: int = 0
    top_k: int = 3
    temperature: float = 0.5

    def coefficients(self, x, prototypes):                   # (…, in), (experts, in) -> (…, experts)
        experts = prototypes.shape[0]
        if self.kind == "forced":
            return torch.nn.functional.one_hot(torch.tensor(self.expert), experts).to(x.dtype).expand(*x.shape[:-1], experts)
        if self.kind == "uniform":
            return torch.full((*x.shape[:-1], experts), 1 / experts, dtype=x.dtype)
        scores = (x @ prototypes.T).abs()
        chosen = scores.topk(min(self.top_k, experts), dim=-1)
        kept = torch.full_like(scores, float("-inf")).scatter(-1, chosen.indices, chosen.values)
        return (kept / self.temperature).softmax(-1)


BASE_ALONE = Strategy("base")
ARROW = Strategy("arrow")


def prototype(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The unit input that the update B·A amplifies most: its top right singular vector, exact, largest component positive.

    With Aᵀ = Qa·Ra and B = Qb·Rb, the update is Qb·(Rb·Raᵀ)·Qaᵀ, so the small core in the middle has all its singular
    values, and Qa carries the core's vector back to input space.
    """
    qa, ra = torch.linalg.qr(a.double().T)
    _, rb = torch.linalg.qr(b.double())
    vector = qa @ torch.linalg.svd(rb @ ra.T).Vh[0]
    return vector * vector[vector.abs().argmax()].sign()


class RoutedLinear(nn.Module):
    """A frozen linear layer and the experts that adapt it: y = Wx + Σ wₑ sₑ Bₑ(Aₑx)."""

    def __init__(self, linear, a, b, scale):
        super().__init__()
        self.linear = linear
        self.a, self.b, self.scale = a, b, scale             # (experts, rank, in), (experts, out, rank), (experts)
        self.prototypes = torch.stack([prototype(*ab) for ab in zip(a, b)]).float()
        self.strategy = BASE_ALONE
        self.trace = None                                    # a list collects the coefficients of every call

    def forward(self, x):
        y = self.linear(x)
        if self.strategy.kind == "base":
            return y
        w = self.strategy.coefficients(x, self.prototypes)
        if self.trace is not None:
            self.trace.append(w)
        low = torch.einsum("bti,eri->bter", x, self.a) * (w * self.scale).unsqueeze(-1)
        return y + torch.einsum("bter,eor->bto", low, self.b)


class Library:
    """The base with all experts resident, both read from the folders on disk, in fp32."""

    def __init__(self, base: Path, experts: dict[str, Path]):
        self.names = list(experts)
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
        self.layers: dict[str, RoutedLinear] = {}
        tensors = [load_file(folder / "adapter_model.safetensors") for folder in experts.values()]
        configs = [json.loads((folder / "adapter_config.json").read_text()) for folder in experts.values()]
        scale = torch.tensor([c["lora_alpha"] / c["r"] for c in configs])
        for key in sorted(k for k in tensors[0] if k.endswith("lora_A.weight")):
            path = key.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
            a = torch.stack([t[key].float() for t in tensors])
            b = torch.stack([t[key.replace("lora_A", "lora_B")].float() for t in tensors])
            layer = RoutedLinear(self.model.get_submodule(path), a, b, scale)
            self.model.set_submodule(path, layer)
            self.layers[path] = layer

    def use(self, strategy: Strategy) -> None:
        for layer in self.layers.values():
            layer.strategy = strategy

    def traced(self, on: bool) -> None:
        for layer in self.layers.values():
            layer.trace = [] if on else None

    def prompt(self, conversation) -> list[int]:
        """Token ids of the rendered chat, ready for the answer. A string is one question."""
        if isinstance(conversation, str):
            conversation = [{"role": "user", "content": conversation}]
        text = self.tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
        return self.tokenizer.encode(text, add_special_tokens=False)

    def text(self, ids) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=True)


@torch.inference_mode()
def greedy(model, prompts: list[list[int]], end: int, limit: int = 24):
    """Greedy answers, with their end mark, and for each answer the smallest margin between first and second choice.
    Prompts of one length are decoded together, so nothing is padded."""
    answers, margins = [None] * len(prompts), [None] * len(prompts)
    for length in sorted({len(p) for p in prompts}):
        rows = [i for i, p in enumerate(prompts) if len(p) == length]
        tokens, cache = torch.tensor([prompts[i] for i in rows]), None
        written, smallest = [[] for _ in rows], [float("inf")] * len(rows)
        for _ in range(limit):
            step = model(input_ids=tokens, past_key_values=cache, use_cache=True)
            cache = step.past_key_values
            top = step.logits[:, -1].float().topk(2)
            for r in range(len(rows)):
                if not written[r] or written[r][-1] != end:
                    written[r].append(top.indices[r, 0].item())
                    smallest[r] = min(smallest[r], (top.values[r, 0] - top.values[r, 1]).item())
            if all(w[-1] == end for w in written):
                break
            tokens = top.indices[:, :1]
        for r, i in enumerate(rows):
            answers[i], margins[i] = written[r], smallest[r]
    return answers, margins
