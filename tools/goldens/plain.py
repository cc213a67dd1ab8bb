"""A Llama and Arrow routing written out plainly, in any precision: the second opinion on transformers and PEFT."""

from dataclasses import dataclass, field

import torch


def inverse_frequencies(config):
    """Rotary frequencies in float64, (head_dim / 2)."""
    rope = config.rope_parameters
    steps = torch.arange(0, config.head_dim, 2, dtype=torch.float64) / config.head_dim
    frequencies = rope["rope_theta"] ** -steps
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


class PlainLlama:
    """A decoder-only Llama; `delta(module, x)` adds to the output of each linear layer of the blocks, or returns None."""

    def __init__(self, config, weights, dtype=torch.float64):
        self.config = config
        self.weights = {name: weight.to(dtype) for name, weight in weights.items()}
        self.frequencies = inverse_frequencies(config)
        self.dtype = dtype

    def logits(self, ids, delta=lambda module, x: None):  # (tokens) -> (tokens, vocabulary)
        c, w = self.config, self.weights
        angles = torch.arange(len(ids), dtype=torch.float64)[:, None] * self.frequencies  # (tokens, head_dim / 2)
        angles = torch.cat([angles, angles], dim=1)
        cos, sin = angles.cos().to(self.dtype), angles.sin().to(self.dtype)
        future = torch.full((len(ids), len(ids)), float("-inf"), dtype=self.dtype).triu(1)

        def linear(module, x):  # (tokens, in) -> (tokens, out)
            y = x @ w[module + ".weight"].T
            added = delta(module, x)
            return y if added is None else y + added

        def rotated_heads(x, heads):  # (tokens, heads * head_dim) -> (heads, tokens, head_dim)
            x = x.view(len(ids), heads, c.head_dim).transpose(0, 1)
            left, right = x.chunk(2, dim=-1)
            return x * cos + torch.cat([-right, left], dim=-1) * sin

        x = w["model.embed_tokens.weight"][torch.tensor(ids)]
        for layer in range(c.num_hidden_layers):
            path = f"model.layers.{layer}."
            h = self.norm(x, path + "input_layernorm")
            q = rotated_heads(linear(path + "self_attn.q_proj", h), c.num_attention_heads)
            k = rotated_heads(linear(path + "self_attn.k_proj", h), c.num_key_value_heads)
            v = linear(path + "self_attn.v_proj", h).view(len(ids), c.num_key_value_heads, c.head_dim).transpose(0, 1)
            shared = c.num_attention_heads // c.num_key_value_heads
            k, v = k.repeat_interleave(shared, dim=0), v.repeat_interleave(shared, dim=0)
            attention = torch.softmax(q @ k.transpose(1, 2) / c.head_dim**0.5 + future, dim=-1)
            mixed = (attention @ v).transpose(0, 1).reshape(len(ids), -1)
            x = x + linear(path + "self_attn.o_proj", mixed)
            h = self.norm(x, path + "post_attention_layernorm")
            gate = torch.nn.functional.silu(linear(path + "mlp.gate_proj", h))
            x = x + linear(path + "mlp.down_proj", gate * linear(path + "mlp.up_proj", h))
        tied = c.tie_word_embeddings
        return self.norm(x, "model.norm") @ w["model.embed_tokens.weight" if tied else "lm_head.weight"].T

    def norm(self, x, name):
        variance = x.pow(2).mean(-1, keepdim=True)
        return x * torch.rsqrt(variance + self.config.rms_norm_eps) * self.weights[name + ".weight"]


@dataclass
class Update:
    """What one adapter does to one module: scaling * B A."""

    a: torch.Tensor  # (r, in)
    b: torch.Tensor  # (out, r)
    scaling: float

    def to(self, dtype):
        return Update(self.a.to(dtype), self.b.to(dtype), self.scaling)

    def spectrum(self):
        """Singular values of BA, the r largest, and its top right singular vector, largest component positive."""
        _, sigma, right = torch.linalg.svd(self.b.double() @ self.a.double())
        vector = right[0]
        return sigma[: self.a.shape[0]], vector * vector[vector.abs().argmax()].sign()


def alone(updates, dtype=torch.float64):
    """The delta of a single adapter."""
    updates = {module: update.to(dtype) for module, update in updates.items()}

    def delta(module, x):
        u = updates.get(module)
        return None if u is None else u.scaling * (x @ u.a.T) @ u.b.T

    return delta


@dataclass
class Arrow:
    """The delta of a library: per token a softmax over the top_k largest of |x p| / temperature."""

    library: list  # of {module: Update}
    top_k: int
    temperature: float
    combine: str
    dtype: torch.dtype = torch.float64
    gap: float = float("inf")  # smallest distance of the last score chosen to the first not chosen
    trace: dict = field(default_factory=dict)  # module -> scores, coefficients // (tokens, experts)

    def __post_init__(self):
        modules = {module for expert in self.library for module in expert}
        prototypes = [{m: u.spectrum()[1].float() for m, u in expert.items()} for expert in self.library]
        self.eligible = {m: [e for e, expert in enumerate(self.library) if m in expert] for m in sorted(modules)}
        self.prototypes = {
            m: torch.stack([prototypes[e][m] for e in has]).to(self.dtype) for m, has in self.eligible.items()
        }
        self.library = [{m: u.to(self.dtype) for m, u in expert.items()} for expert in self.library]

    def __call__(self, module, x):
        has = self.eligible.get(module)
        if has is None:
            return None
        scores = (x @ self.prototypes[module].T).abs()  # (tokens, experts that have the module)
        k = min(self.top_k, len(has))
        best = scores.sort(dim=1, descending=True)
        if k < len(has):
            self.gap = min(self.gap, (best.values[:, k - 1] - best.values[:, k]).min().item())
        chosen = torch.full_like(scores, float("-inf")).scatter(1, best.indices[:, :k], best.values[:, :k])
        coefficients = torch.softmax(chosen / self.temperature, dim=1)
        whole = torch.full((len(x), len(self.library)), -1.0, dtype=self.dtype), torch.zeros(
            (len(x), len(self.library)), dtype=self.dtype
        )
        whole[0][:, has], whole[1][:, has] = scores, coefficients
        self.trace[module] = whole
        updates = [self.library[e][module] for e in has]
        if self.combine == "outputs":
            return sum(w[:, None] * alone({module: u}, self.dtype)(module, x) for u, w in zip(updates, coefficients.T))
        a = torch.einsum("te,eri->tri", coefficients, torch.stack([u.a for u in updates]))
        b = torch.einsum("te,eor->tor", coefficients, torch.stack([u.b for u in updates]))
        return updates[0].scaling * torch.einsum("tor,tri,ti->to", b, a, x)
