"""Decoder-only models written out plainly, in any precision: the second opinion on transformers."""

import torch

ACTIVATIONS = {
    "silu": torch.nn.functional.silu,
    "gelu_new": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
}


def inverse_frequencies(rope, head_dim):
    """Rotary frequencies in float64, (rotated components / 2)."""
    dims = int(head_dim * (rope.get("partial_rotary_factor") or 1))
    frequencies = rope["rope_theta"] ** -(torch.arange(0, dims, 2, dtype=torch.float64) / dims)
    if rope["rope_type"] == "linear":
        frequencies = frequencies / rope["factor"]
    elif rope["rope_type"] == "llama3":
        turns = rope["original_max_position_embeddings"] * frequencies / (2 * torch.pi)
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        keep = ((turns - low) / (high - low)).clamp(0, 1)
        frequencies = keep * frequencies + (1 - keep) * frequencies / rope["factor"]
    elif rope["rope_type"] != "default":
        raise ValueError(f"rope_type {rope['rope_type']} is not written out here")
    return frequencies


def kinds(config):
    """Whether each layer is a sliding one."""
    types = getattr(config, "layer_types", None)
    if types is None:
        every = config.model_type in ("mistral", "phi3") and config.sliding_window is not None
        types = ["sliding_attention" if every else "full_attention"] * config.num_hidden_layers
    return types


class PlainDecoder:
    """A model of any family; `delta(module, x)` adds to the output of each linear layer of the blocks, or returns None."""

    def __init__(self, config, weights, dtype=torch.float64):
        self.config, self.dtype, self.kinds = config, dtype, kinds(config)
        self.weights = {name: weight.to(dtype) for name, weight in weights.items()}
        self.gemma = config.model_type.startswith("gemma")
        self.head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        ropes = config.rope_parameters
        self.frequencies = {
            kind: inverse_frequencies(ropes if "rope_type" in ropes else ropes[kind], self.head_dim)
            for kind in set(self.kinds)
        }

    def logits(self, ids, delta=lambda module, x: None):  # (tokens) -> (tokens, vocabulary)
        c, w = self.config, self.weights
        x = w["model.embed_tokens.weight"][torch.tensor(ids)] * (c.hidden_size**0.5 if self.gemma else 1)
        for layer, kind in enumerate(self.kinds):
            path = f"model.layers.{layer}."
            h = self.norm(x, path + "input_layernorm")
            y = self.attention(h, path + "self_attn.", kind, delta)
            if self.gemma:
                x = x + self.norm(y, path + "post_attention_layernorm")
                y = self.mlp(self.norm(x, path + "pre_feedforward_layernorm"), path + "mlp.", delta)
                x = x + self.norm(y, path + "post_feedforward_layernorm")
            elif c.model_type == "phi":
                x = x + y + self.mlp(h, path + "mlp.", delta)
            else:
                x = x + y
                x = x + self.mlp(self.norm(x, path + "post_attention_layernorm"), path + "mlp.", delta)
        x = self.norm(x, "model.final_layernorm" if c.model_type == "phi" else "model.norm")
        logits = self.linear("model.embed_tokens" if c.tie_word_embeddings else "lm_head", x, lambda module, x: None)
        cap = getattr(c, "final_logit_softcapping", None)
        return logits if cap is None else cap * torch.tanh(logits / cap)

    def attention(self, h, path, kind, delta):  # (tokens, hidden) -> (tokens, hidden)
        c, dim = self.config, self.head_dim
        heads, shared = c.num_attention_heads, c.num_key_value_heads
        if path + "qkv_proj.weight" in self.weights:
            parts = self.linear(path + "qkv_proj", h, delta).split([heads * dim, shared * dim, shared * dim], dim=1)
        else:
            parts = [self.linear(path + name, h, delta) for name in ("q_proj", "k_proj", "v_proj")]
        q, k, v = (part.view(len(h), -1, dim).transpose(0, 1) for part in parts)  # (heads, tokens, head_dim)
        if path + "q_norm.weight" in self.weights:
            q, k = self.norm(q, path + "q_norm"), self.norm(k, path + "k_norm")
        q, k = self.rotated(q, kind), self.rotated(k, kind).repeat_interleave(heads // shared, dim=0)
        scale = c.query_pre_attn_scalar**-0.5 if self.gemma else dim**-0.5
        scores = q @ k.transpose(1, 2) * scale
        if c.model_type == "gemma2" and c.attn_logit_softcapping is not None:
            scores = c.attn_logit_softcapping * torch.tanh(scores / c.attn_logit_softcapping)
        ago = torch.arange(len(h))[:, None] - torch.arange(len(h))  # of key (column) before query (row)
        seen = (ago >= 0) & ((ago < c.sliding_window) if kind == "sliding_attention" else True)
        share = torch.softmax(scores.masked_fill(~seen, float("-inf")), dim=-1)
        mixed = share @ v.repeat_interleave(heads // shared, dim=0)
        output = path + ("dense" if c.model_type == "phi" else "o_proj")
        return self.linear(output, mixed.transpose(0, 1).reshape(len(h), -1), delta)

    def rotated(self, x, kind):  # (heads, tokens, head_dim) -> the same
        angles = torch.arange(x.shape[1], dtype=torch.float64)[:, None] * self.frequencies[kind]
        angles = torch.cat([angles, angles], dim=1)  # (tokens, rotated components)
        turned, rest = x[..., : angles.shape[1]], x[..., angles.shape[1] :]
        left, right = turned.chunk(2, dim=-1)
        turned = turned * angles.cos().to(self.dtype) + torch.cat([-right, left], dim=-1) * angles.sin().to(self.dtype)
        return torch.cat([turned, rest], dim=-1)

    def mlp(self, h, path, delta):  # (tokens, hidden) -> (tokens, hidden)
        act = ACTIVATIONS[self.config.hidden_activation if self.gemma else self.config.hidden_act]
        if self.config.model_type == "phi":
            return self.linear(path + "fc2", act(self.linear(path + "fc1", h, delta)), delta)
        if path + "gate_up_proj.weight" in self.weights:
            gate, up = self.linear(path + "gate_up_proj", h, delta).chunk(2, dim=1)
        else:
            gate, up = self.linear(path + "gate_proj", h, delta), self.linear(path + "up_proj", h, delta)
        return self.linear(path + "down_proj", act(gate) * up, delta)

    def linear(self, module, x, delta):  # (tokens, in) -> (tokens, out)
        y, added = x @ self.weights[module + ".weight"].T, delta(module, x)
        y = y + self.weights.get(module + ".bias", 0)
        return y if added is None else y + added

    def norm(self, x, name):
        weight = self.weights[name + ".weight"]
        if self.config.model_type == "phi":
            centred = x - x.mean(-1, keepdim=True)
            scaled = centred * torch.rsqrt(centred.pow(2).mean(-1, keepdim=True) + self.config.layer_norm_eps)
            return scaled * weight + self.weights[name + ".bias"]
        scaled = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.config.rms_norm_eps)
        return scaled * (1 + weight if self.gemma else weight)
