"""Tiny base models with random weights, saved as released checkpoints are, in several styles of config.json."""

import json
from dataclasses import dataclass, field

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

import text


@dataclass
class Shape:
    """What is special about a model. Sizes not given are drawn."""

    name: str
    config: dict = field(default_factory=dict)
    rope: dict = field(default_factory=dict)
    style: str = "parameters"  # of config.json: parameters, released, or apart (rope_theta outside of rope_parameters)
    dtype: torch.dtype = torch.float32
    shard: str | None = None  # largest size of a file
    exact: bool = True  # whether plain.py has it; the others are there to be refused


SHAPES = [
    Shape("untied"),
    Shape("tied-sharded", {"tie_word_embeddings": True}, style="released", shard="70KB"),
    Shape("bf16", style="apart", dtype=torch.bfloat16),
    Shape(
        "rope-llama3",
        {"num_key_value_heads": 1},
        {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
        | {"original_max_position_embeddings": 32},
        style="released",
    ),
    Shape("rope-linear", {"rms_norm_eps": 1e-4}, {"rope_type": "linear", "factor": 2.5}, style="released"),
    Shape("wide-heads", {"hidden_size": 40, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 18}),
    Shape(
        "rope-yarn", {}, {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}, exact=False
    ),
    Shape("attention-bias", {"attention_bias": True}, exact=False),
]


def draw_config(shape, rng, entries):
    """Random sizes, small and mostly no powers of two."""
    kv_heads, head_dim = rng.choice([1, 2, 3]), 2 * rng.randint(3, 8)
    shared = -(-32 // (kv_heads * head_dim)) + rng.choice([0, 1])  # a norm over few numbers would magnify rounding
    sizes = {
        "vocab_size": entries + rng.choice([0, 0, 5]),
        "hidden_size": kv_heads * shared * head_dim,
        "intermediate_size": 8 * rng.randint(6, 14) + rng.choice([0, 1]),
        "num_hidden_layers": rng.choice([1, 2, 3]),
        "num_attention_heads": kv_heads * shared,
        "num_key_value_heads": kv_heads,
        "max_position_embeddings": rng.choice([256, 300, 1024]),
        "rms_norm_eps": rng.choice([1e-5, 1e-6]),
    }
    if shape.config.get("num_key_value_heads") == 1:
        sizes["num_attention_heads"], sizes["hidden_size"] = 4, 4 * head_dim
    rope = {"rope_type": "default", "rope_theta": rng.choice([10000.0, 500000.0, 7.5e4])} | shape.rope
    return LlamaConfig(**(sizes | shape.config), rope_parameters=rope, bos_token_id=1, eos_token_id=2, pad_token_id=0)


def draw_weights(model, generator):
    """Weights that give logits of spread 3 and attention that is neither flat nor a single token."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        with torch.no_grad():
            if parameter.ndim == 1:
                parameter.copy_(0.1 * noise if name.endswith("bias") else 1 + 0.1 * noise)
            elif "embed_tokens" in name or "lm_head" in name:
                parameter.copy_(noise * (3 / parameter.shape[1] ** 0.5))
                parameter[: len(text.SPECIAL)] *= 0.01  # never the likeliest
            else:
                parameter.copy_(noise * (1.3 / parameter.shape[1] ** 0.5))


def save(shape, folder, rng, generator, tokenizer):
    model = LlamaForCausalLM(draw_config(shape, rng, tokenizer.get_vocab_size()))
    draw_weights(model, generator)
    model.to(shape.dtype).save_pretrained(folder, max_shard_size=shape.shard or "1GB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    text.save(tokenizer, folder)
    restyle(folder / "config.json", shape.style)


def restyle(path, style):
    config = json.loads(path.read_text())
    if style == "apart":
        config["rope_theta"] = config["rope_parameters"].pop("rope_theta")
    elif style == "released":
        rope = config.pop("rope_parameters")
        config["rope_theta"] = rope.pop("rope_theta")
        config["torch_dtype"] = config.pop("dtype")
        if rope["rope_type"] == "linear":
            rope["type"] = rope.pop("rope_type")
        config["rope_scaling"] = None if rope == {"rope_type": "default"} else rope
    path.write_text(json.dumps(config, indent=2))


def load(folder):
    """The model in float32, as transformers computes it."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    return model.eval()


def weights(folder):
    """All tensors as they are stored."""
    return {k: v for file in sorted(folder.glob("model*.safetensors")) for k, v in load_file(file).items()}


def store_as(path, dtype):
    """Rewrites a safetensors file with another element type."""
    save_file({k: v.to(dtype) for k, v in load_file(path).items()}, path, metadata={"format": "pt"})
