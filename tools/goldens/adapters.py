"""Adapters with random weights, saved by PEFT, with the spectra of their updates."""

import json
import shutil

import torch
import peft.tuners.lora.model as lora_model
from peft import LoHaConfig, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

import models
from plain import Update

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
MLP = ["gate_proj", "up_proj", "down_proj"]

# Name -> (base model, fields of LoraConfig). Ranks not given are drawn. Where two keys of a pattern match, the first counts,
# and PEFT saves them sorted: such keys stand in that order here.
PLAIN = {
    "one-module": ("untied", {"r": 1, "target_modules": ["v_proj"]}),
    "all-linear-r16": ("untied", {"r": 16, "lora_alpha": 4, "target_modules": "all-linear"}),
    "rslora": ("untied", {"use_rslora": True, "lora_alpha": 3, "target_modules": ATTENTION}),
    "patterns": (
        "untied",
        {
            "r": 4,
            "lora_alpha": 6,
            "target_modules": ["q_proj", "v_proj", *MLP],
            "rank_pattern": {r"layers\.\d+\.mlp\.(up|gate)_proj": 3, "^model.layers.0.self_attn.q_proj": 7, "v_proj": 1},
            "alpha_pattern": {r".*down_pro[a-k]": 11, "0.self_attn.v_proj": 2, r"mlp\.(?!down).*": 5},
        },
    ),
    "patterns-rslora": (
        "untied",
        {
            "use_rslora": True,
            "target_modules": ["k_proj", "o_proj", "up_proj"],
            "rank_pattern": {"0.self_attn.o_proj": 2, "o_proj": 9},
            "alpha_pattern": {"self_attn.[ko]_proj": 3},
        },
    ),
    "layers": ("untied", {"target_modules": ["q_proj", "down_proj"], "layers_to_transform": [0], "layers_pattern": "layers"}),
    "layer": ("untied", {"target_modules": ATTENTION, "layers_to_transform": 0}),
    "regex": ("untied", {"target_modules": r".*\.layers\.\d+\.(self_attn\.[qk]|mlp\.(?:up|down))_proj"}),
    "paths": ("untied", {"target_modules": ["model.layers.0.mlp.gate_proj", "0.self_attn.v_proj"]}),
    "excluded": ("untied", {"target_modules": "all-linear", "exclude_modules": ["k_proj", "0.mlp.down_proj"]}),
    "fp16": ("untied", {"target_modules": ["o_proj", "gate_proj"]}),
    "bf16": ("untied", {"target_modules": ["k_proj", "down_proj"]}),
    "on-tied": ("tied-sharded", {"target_modules": "all-linear"}),
    "on-bf16": ("bf16", {"target_modules": ATTENTION}),
    "on-rope-llama3": ("rope-llama3", {"target_modules": MLP, "use_rslora": True}),
    "on-rope-linear": ("rope-linear", {"target_modules": ["q_proj", "up_proj"]}),
    "on-wide-heads": ("wide-heads", {"target_modules": "all-linear"}),
    "on-biases": ("biases", {"target_modules": "all-linear"}),
    "on-mistral": ("mistral", {"target_modules": ATTENTION}),
    "on-qwen2": ("qwen2-sliding", {"target_modules": "all-linear"}),
    "on-qwen3": ("qwen3", {"target_modules": ["k_proj", "down_proj"]}),
    "on-phi": ("phi", {"target_modules": ["q_proj", "dense", "fc1", "fc2"]}),
    "on-phi3": ("phi3", {"target_modules": ["qkv_proj", "gate_up_proj"]}),
    "on-phi3-outputs": ("phi3", {"target_modules": ["o_proj", "down_proj"]}),
    "on-gemma2": ("gemma2", {"target_modules": "all-linear"}),
    "on-gemma3": ("gemma3", {"target_modules": MLP}),
}

# What is more than LoRA on the linear layers of the blocks, to be told apart from what is wrong.
BEYOND = {
    "dora": LoraConfig(r=2, target_modules=["q_proj"], use_dora=True),
    "saved-head": LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=["lm_head"]),
    "lora-bias": LoraConfig(r=2, target_modules=["q_proj"], lora_bias=True),
    "on-head": LoraConfig(r=2, target_modules=["q_proj", "lm_head"]),
    "on-embedding": LoraConfig(r=2, target_modules=["q_proj", "embed_tokens"]),
    "loha": LoHaConfig(r=2, target_modules=["q_proj", "up_proj"]),
}


def save(root, name, base, config, generator, dtype=torch.float32):
    """Draws all weights of an adapter and has PEFT save it to the folder `name`."""
    adapted = get_peft_model(models.load(root / "models" / base), config)
    for key, parameter in adapted.named_parameters():
        if parameter.requires_grad:
            with torch.no_grad():
                noise = torch.randn(parameter.shape, generator=generator)
                size = 0.7 / parameter.shape[-1] ** 0.5 if parameter.ndim == 2 else 0.1
                parameter.copy_(noise * size / scaling(adapted, key))
    folder = root / name
    adapted.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    saved = json.loads(path.read_text())
    saved["base_model_name_or_path"] = f"goldens/{base}"
    for modules in ("target_modules", "exclude_modules"):
        if isinstance(saved[modules], list):
            saved[modules].sort()  # PEFT writes a set
    path.write_text(json.dumps(saved, indent=2))
    if dtype != torch.float32:
        models.store_as(folder / "adapter_model.safetensors", dtype)


def scaling(adapted, key):
    """By how much to make a B smaller so that its update does not drown the base layer, 1 for anything else."""
    path, is_b, _ = key.partition(".lora_B.")
    return max(1.0, adapted.get_submodule(path).scaling["default"]) if is_b else 1.0


def load(root, name, base):
    """The base model with one adapter, as PEFT computes it in float32."""
    return PeftModel.from_pretrained(models.load(root / "models" / base), root / name).eval()


def updates(root, name, base):
    """The stored A and B by module, with the scaling that PEFT resolves."""
    stored = load_file(root / name / "adapter_model.safetensors")
    prefix, found = "base_model.model.", {}
    for path, layer in load(root, name, base).named_modules():
        if hasattr(layer, "lora_A") and "default" in layer.lora_A:
            a, b = stored[path + ".lora_A.weight"], stored[path + ".lora_B.weight"]
            found[path.removeprefix(prefix)] = Update(a, b, layer.scaling["default"])
    return found


def prototypes(updates_by_module):
    """What prototypes.json holds."""
    described = {}
    for module, u in updates_by_module.items():
        sigma, vector = u.spectrum()
        described[module] = {
            "r": u.a.shape[0],
            "in": u.a.shape[1],
            "out": u.b.shape[0],
            "scaling": u.scaling,
            "sigma": sigma.tolist(),
            "sigma_scaled": (sigma * u.scaling).tolist(),
            "sigma2_over_sigma1": (sigma[1] / sigma[0]).item() if len(sigma) > 1 else 0.0,
            "prototype": vector.tolist(),
        }
    return described


def with_gate_vectors(root, name, generator, left_out):
    """A copy of an adapter that brings gate vectors, for all modules but one."""
    copy = name + "-gated"
    shutil.copytree(root / name, root / copy)
    (root / copy / "prototypes.json").unlink()
    path = root / copy / "adapter_model.safetensors"
    tensors = load_file(path)
    modules = sorted(key.removesuffix(".lora_A.weight") for key in tensors if key.endswith(".lora_A.weight"))
    for module in modules[:left_out] + modules[left_out + 1 :]:
        size = tensors[module + ".lora_A.weight"].shape[1]
        tensors[module + ".gate_vector"] = torch.randn(size, generator=generator)
    save_file(tensors, path, metadata={"format": "pt"})
    return copy


def gate_vectors(root, name):
    """The gate vectors of an adapter by module."""
    stored = load_file(root / name / "adapter_model.safetensors")
    return {
        key.removeprefix("base_model.model.").removesuffix(".gate_vector"): vector
        for key, vector in stored.items()
        if key.endswith(".gate_vector")
    }


def load_merged(root, names, base, method, weights, density, majority_sign, seed):
    """The base model with a merge of adapters, by PEFT."""
    adapted = PeftModel.from_pretrained(models.load(root / "models" / base), root / names[0], adapter_name="e0")
    for e, name in enumerate(names[1:], start=1):
        adapted.load_adapter(root / name, adapter_name=f"e{e}")
    freeze = lora_model._freeze_adapter

    def seeded(*args):
        # PEFT draws the new adapter's initial weights before this and what to drop after it.
        freeze(*args)
        torch.manual_seed(seed)

    lora_model._freeze_adapter = seeded
    try:
        adapters = [f"e{e}" for e in range(len(names))]
        options = {} if method in ("linear", "cat") else {"density": density}
        if method.endswith("ties"):
            options["majority_sign_method"] = majority_sign
        adapted.add_weighted_adapter(adapters, weights, "merged", combination_type=method, **options)
    finally:
        lora_model._freeze_adapter = freeze
    adapted.set_adapter("merged")
    return adapted.eval()
