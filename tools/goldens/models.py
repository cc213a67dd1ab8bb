"""Tiny base models with random weights, saved as released checkpoints are, in several styles of config.json."""

import json
from dataclasses import dataclass, field

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

import text


@dataclass
class Shape:
    """What is special about a model. Sizes not given are drawn."""

    name: str
    family: str = "llama"  # model_type
    config: dict = field(default_factory=dict)
    rope: dict = field(default_factory=dict)
    style: str = "parameters"  # of config.json: parameters, released, or apart (rope_theta outside of rope_parameters)
    dtype: torch.dtype = torch.float32
    shard: str | None = None  # largest size of a file
    exact: bool = True  # whether decoder.py has it; the others are there to be refused


LONGROPE = {"rope_type": "longrope", "short_factor": [1.0] * 4, "long_factor": [2.0] * 4}

SHAPES = [
    Shape("untied"),
    Shape("tied-sharded", config={"tie_word_embeddings": True}, style="released", shard="70KB"),
    Shape("bf16", style="apart", dtype=torch.bfloat16),
    Shape(
        "rope-llama3",
        config={"num_key_value_heads": 1},
        rope={"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
        | {"original_max_position_embeddings": 32},
        style="released",
    ),
    Shape("rope-linear", config={"rms_norm_eps": 1e-4}, rope={"rope_type": "linear", "factor": 2.5}, style="released"),
    Shape(
        "wide-heads", config={"hidden_size": 40, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 18}
    ),
    Shape("biases", config={"attention_bias": True, "mlp_bias": True}),
    Shape("mistral", "mistral", {"sliding_window": 5}, style="released"),
    Shape("mistral-whole", "mistral", {"sliding_window": None}, style="released"),
    Shape("qwen2", "qwen2", style="released"),
    Shape(
        "qwen2-sliding",
        "qwen2",
        {"num_hidden_layers": 3, "use_sliding_window": True, "sliding_window": 6, "max_window_layers": 1},
    ),
    Shape("qwen3", "qwen3", {"attention_bias": True, "head_dim": 22}),
    Shape("phi", "phi", rope={"partial_rotary_factor": 0.5}, style="released"),
    Shape("phi3", "phi3", {"sliding_window": 9}, {"partial_rotary_factor": 0.75}, style="released"),
    Shape(
        "gemma2",
        "gemma2",
        {"attn_logit_softcapping": 3.0, "final_logit_softcapping": 9.0, "sliding_window": 4, "num_hidden_layers": 2},
    ),
    Shape("gemma3", "gemma3_text", {"sliding_window": 7, "num_hidden_layers": 3, "sliding_window_pattern": 3}),
    Shape("gemma3-released", "gemma3_text", {"sliding_window": 5, "num_hidden_layers": 7}, style="released"),
    Shape("rope-yarn", rope={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}, exact=False),
    Shape("rope-longrope", "phi3", {"original_max_position_embeddings": 32}, LONGROPE, exact=False),
]


def draw_config(shape, rng, entries):
    """Random sizes, small and mostly no powers of two."""
    kv_heads, head_dim = rng.choice([1, 2, 3]), 2 * rng.randint(3, 8)
    if shape.family in ("phi", "phi3"):
        head_dim = 8 * rng.choice([1, 2]) if shape.rope is not LONGROPE else 8  # parts of it must be even
    shared = -(-32 // (kv_heads * head_dim)) + rng.choice([0, 1])  # a norm over few numbers would magnify rounding
    sizes = {
        "vocab_size": entries + rng.choice([0, 0, 5]),
        "hidden_size": kv_heads * shared * head_dim,
        "intermediate_size": 8 * rng.randint(6, 14) + rng.choice([0, 1]),
        "num_hidden_layers": rng.choice([1, 2, 3]),
        "num_attention_heads": kv_heads * shared,
        "num_key_value_heads": kv_heads,
        "max_position_embeddings": rng.choice([256, 300, 1024]),
    }
    sizes["layer_norm_eps" if shape.family == "phi" else "rms_norm_eps"] = rng.choice([1e-5, 1e-6])
    if shape.family in ("qwen3", "gemma2", "gemma3_text"):
        sizes["head_dim"] = head_dim
    if shape.family.startswith("gemma"):
        sizes |= {"query_pre_attn_scalar": rng.choice([10, 24, 50])}
    if shape.config.get("num_key_value_heads") == 1:
        sizes["num_attention_heads"], sizes["hidden_size"] = 4, 4 * head_dim
    rope = {"rope_type": "default", "rope_theta": rng.choice([10000.0, 500000.0, 7.5e4])} | shape.rope
    if shape.family == "gemma3_text":
        rope = {"full_attention": rope, "sliding_attention": {"rope_type": "default", "rope_theta": 900.0}}
    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    return AutoConfig.for_model(shape.family, **(sizes | shape.config | ends), rope_parameters=rope)


def draw_weights(model, generator):
    """Weights that give logits of spread 3 and attention that is neither flat nor a single token."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        with torch.no_grad():
            if parameter.ndim == 1:
                around = 0 if name.endswith("bias") or model.config.model_type.startswith("gemma") else 1
                parameter.copy_(around + 0.1 * noise)
            elif "embed_tokens" in name or "lm_head" in name:
                parameter.copy_(noise * (3 / parameter.shape[1] ** 0.5))
                parameter[: len(text.SPECIAL)] *= 0.01  # never the likeliest
            else:
                parameter.copy_(noise * (1.3 / parameter.shape[1] ** 0.5))


def save(shape, folder, rng, generator, tokenizer):
    model = AutoModelForCausalLM.from_config(draw_config(shape, rng, tokenizer.get_vocab_size()))
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
        if "full_attention" in rope:
            config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
            rope = rope["full_attention"]
            del config["layer_types"]
        config["rope_theta"] = rope.pop("rope_theta")
        if "partial_rotary_factor" in rope:
            config["partial_rotary_factor"] = rope.pop("partial_rotary_factor")
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
