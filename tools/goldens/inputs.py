"""Writes, beside each base model of a folder, what its linear modules read for a prompt of its expected.json.

    python inputs.py /tmp/goldens/models

inputs.safetensors has `layers.L.PLACE` (tokens, in) float32 for the four places of every layer, computed by decoder.py in float64 and held
against transformers before it is written.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

import models
from decoder import PlainDecoder

PLACES = {  # the linears that are the first, or only, ones to read each place
    "attention_in": ("q_proj", "qkv_proj"),
    "attention_out": ("o_proj", "dense"),
    "mlp_in": ("gate_proj", "gate_up_proj", "fc1"),
    "mlp_mid": ("down_proj", "fc2"),
}
ERROR_MAX = 1e-4  # float32 against float64


def point(module):
    """The name of the point that a linear module is the first to read; None for the others."""
    parts = module.split(".")
    place = next((place for place, linears in PLACES.items() if parts[-1] in linears), None)
    return place and f"layers.{parts[2]}.{place}"


def plain(config, weights, ids):
    """By decoder.py, in float64."""
    inputs = {}

    def keep(module, x):
        if point(module):
            inputs[point(module)] = x

    PlainDecoder(config, weights).logits(ids, keep)
    return inputs


def by_reference(model, ids):
    """By transformers, in float32."""
    inputs = {}
    for name, module in model.named_modules():
        if name.startswith("model.layers.") and point(name):
            module.register_forward_pre_hook(lambda _, args, name=name: inputs.update({point(name): args[0][0]}))
    with torch.no_grad():
        model(torch.tensor([ids]))
    return inputs


def main():
    for folder in sorted(path.parent for path in Path(sys.argv[1]).glob("*/expected.json")):
        ids = json.loads((folder / "expected.json").read_text())["prompts"][1]["ids"]
        model = models.load(folder)
        exact, reference = plain(model.config, models.weights(folder), ids), by_reference(model, ids)
        assert exact.keys() == reference.keys() and len(exact) == 4 * model.config.num_hidden_layers, folder
        error = max((exact[name] - reference[name]).abs().max().item() for name in exact)
        assert error < ERROR_MAX, f"{folder}: {error}"
        save_file({name: x.float().contiguous() for name, x in exact.items()}, folder / "inputs.safetensors")
        print(f"{folder.name}: {len(exact)} points, {len(ids)} tokens, float32 within {error:.1e}")


if __name__ == "__main__":
    main()
