"""Writes the reference values of a base model whose linear layers have 8 or 4 bits a weight, alone and with Arrow over three experts.

    pip install -r requirements.txt && python quantized.py ../../decoder/src/test/resources/fixtures

Weights are rounded one group at a time, as the formula says, and the rest is decoder.py and plain.py in float64.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

import adapters
from decoder import PlainDecoder
from plain import Arrow

GROUP = 32
EXPERTS = ["arrow/experts/e0", "arrow/experts/e1", "arrow/experts/e2"]
KEPT = "model.layers.1.mlp.down_proj.weight"  # some rows of it are written too


def group(weights, bits):
    """One group of a row, (up to GROUP) float32 -> the same, rounded."""
    most = weights[weights.abs().argmax()]
    if most == 0:
        return weights
    if bits == 4:
        scale = (most / -8).to(torch.bfloat16)
        codes = (weights / scale.float()).round().clamp(-8, 7)
    else:
        exact = most.abs() / 127
        scale = exact.to(torch.bfloat16)
        if scale.float() < exact:
            scale = torch.nextafter(scale, torch.tensor(torch.inf, dtype=torch.bfloat16))
        codes = (weights / scale.float()).round()
    return codes * scale.float()


def quantized(weight, bits):
    return torch.stack([torch.cat([group(part, bits) for part in row.split(GROUP)]) for row in weight.float()])


def rounded(weights, bits):
    """All linears of the layers; the head always has 8 bits."""
    made = {}
    for name, weight in weights.items():
        if name == "lm_head.weight":
            made[name] = quantized(weight, 8)
        elif weight.ndim == 2 and ".layers." in name:
            made[name] = quantized(weight, bits)
        else:
            made[name] = weight
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fixtures", type=Path)
    root = parser.parse_args().fixtures
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    config = AutoConfig.from_pretrained(root / "models/llama")
    weights = load_file(root / "models/llama/model.safetensors")
    ids = json.loads((root / "models/llama/expected.json").read_text())["prompts"][1]["ids"]
    library = [adapters.updates(root, name, "llama") for name in EXPERTS]
    tensors = {}
    for bits in (8, 4):
        coarse = rounded(weights, bits)
        plain = PlainDecoder(config, coarse)
        tensors[f"int{bits}.base"] = plain.logits(ids).float()
        tensors[f"int{bits}.arrow"] = plain.logits(ids, Arrow(library, len(library), 1.0, "outputs")).float()
        tensors[f"int{bits}.rows"] = coarse[KEPT][:8].float()
    (root / "quantized").mkdir(exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, root / "quantized/llama.safetensors")
    exact = PlainDecoder(config, weights).logits(ids).float()
    for bits in (8, 4):
        print(f"int{bits}: logits move by up to {(tensors[f'int{bits}.base'] - exact).abs().max():.3f}")


if __name__ == "__main__":
    main()
