"""Arrow routing written out plainly, in any precision: the second opinion on PEFT."""

from dataclasses import dataclass, field

import torch


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
        scores = self.scores(module, x)  # (tokens, experts that have the module), -1 for those that are left out
        k = min(self.top_k, len(has))
        best = self.ranked(scores).sort(dim=1, descending=True)
        if k < len(has):
            self.note_gap(best.values[:, k - 1] - best.values[:, k])
        chosen = torch.full_like(scores, float("-inf")).scatter(1, best.indices[:, :k], best.values[:, :k])
        coefficients = torch.softmax(chosen / self.temperature, dim=1).nan_to_num()  # nobody left: all 0
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

    def scores(self, module, x):
        return (x @ self.prototypes[module].T).abs()

    def ranked(self, scores):
        return scores

    def note_gap(self, differences):
        finite = differences[differences.isfinite()]
        if len(finite) > 0:
            self.gap = min(self.gap, finite.min().item())


@dataclass
class Gated(Arrow):
    """The delta of a library behind another gate: arrow, spectr, lag or phatgoose, with a normalised input and a least score."""

    gate: str = "arrow"
    input_norm: str = "id"
    min_score: float = float("-inf")
    candidates: int = 1
    vectors: list = field(default_factory=list)  # of {module: v}, for phatgoose

    def __post_init__(self):
        super().__post_init__()
        if self.gate == "phatgoose":
            self.eligible = {m: [e for e in has if m in self.vectors[e]] for m, has in self.eligible.items()}

    def normalised(self, x):
        if self.gate == "phatgoose" or self.input_norm == "layer_norm":
            return torch.nn.functional.layer_norm(x, x.shape[-1:])
        return x / x.norm(dim=-1, keepdim=True) if self.input_norm == "unit" else x

    def scores(self, module, x):
        has, x = self.eligible[module], self.normalised(x)
        if self.gate == "arrow":
            return super().scores(module, x)
        if self.gate == "phatgoose":
            v = torch.stack([self.vectors[e][module] for e in has]).to(self.dtype)
            return x @ self.normalised(v).T / x.shape[-1] ** 0.5
        updates = [self.library[e][module] for e in has]
        lengths = torch.stack([(u.scaling * x @ u.a.T @ u.b.T).norm(dim=1) for u in updates], dim=1)
        if self.gate == "spectr" or self.candidates >= len(has):
            return lengths
        arrow = super().scores(module, x).sort(dim=1, descending=True)
        kept = self.candidates
        self.note_gap(arrow.values[:, kept - 1] - arrow.values[:, kept])
        return torch.full_like(lengths, -1.0).scatter(1, arrow.indices[:, :kept], lengths.gather(1, arrow.indices[:, :kept]))

    def ranked(self, scores):
        self.note_gap((scores - self.min_score).abs())
        out = (scores < self.min_score) | ((scores == -1) & (self.gate == "lag"))
        return scores.masked_fill(out, float("-inf"))


def without_factors(updates, general):
    """An expert less the mean of the general adapters' factors, in single precision."""
    mean = lambda part, m: torch.stack([getattr(g[m], part).float() for g in general]).mean(0)
    return {m: Update(u.a.float() - mean("a", m), u.b.float() - mean("b", m), u.scaling) for m, u in updates.items()}


def without_updates(updates, general):
    """An expert less the mean of the general adapters' updates, factors side by side."""
    rest = {}
    for m, u in updates.items():
        others = [g[m] for g in general if m in g]
        a = torch.cat([u.a.double(), *(g.a.double() for g in others)], dim=0)
        b = torch.cat([u.scaling * u.b.double(), *(-g.scaling / len(general) * g.b.double() for g in others)], dim=1)
        rest[m] = Update(a, b, 1.0)
    return rest


def merged(library, method, weights, density, election, seed):
    """One expert of several, as add_weighted_adapter merges them, in float64; modules in the order of the model."""
    torch.manual_seed(seed)
    result = {}
    for m in model_order({m for expert in library for m in expert}):
        parts = [(expert[m], w * expert[m].scaling) for expert, w in zip(library, weights) if m in expert]
        if method == "cat":
            a = torch.cat([u.a.double() * v for u, v in parts], dim=0)
            result[m] = Update(a, torch.cat([u.b.double() for u, _ in parts], dim=1), 1.0)
            continue
        signs = [-1 if v < 0 else 1 for _, v in parts]
        a = mixed([u.a for u, _ in parts], [abs(v) ** 0.5 * s for (_, v), s in zip(parts, signs)], method, density, election)
        b = mixed([u.b for u, _ in parts], [abs(v) ** 0.5 for _, v in parts], method, density, election)
        result[m] = Update(a, b, 1.0)
    return result


def mixed(tensors, weights, method, density, election):
    kept = []
    for tensor in tensors:
        if method in ("ties", "magnitude_prune") and density < 1:
            mask = torch.zeros(tensor.numel(), dtype=torch.bool)
            mask[tensor.abs().flatten().topk(int(density * tensor.numel())).indices] = True
            tensor = tensor * mask.view(tensor.shape)
        elif method.startswith("dare") and density < 1:
            tensor = tensor.double() * torch.bernoulli(torch.full_like(tensor.float(), density)) / density
        kept.append(tensor.double())
    stacked = torch.stack(kept)
    weighted = stacked * torch.tensor(weights, dtype=torch.float64).view(-1, *[1] * (stacked.ndim - 1))
    if not method.endswith("ties"):
        return weighted.sum(0)
    votes = stacked.sum(0) if election == "total" else stacked.sign().sum(0)
    agrees = stacked.sign() == torch.where(votes >= 0, 1, -1)
    return (weighted * agrees).sum(0) / agrees.sum(0).clamp(min=1)


def model_order(modules):
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    return sorted(modules, key=lambda m: (int(m.split(".")[2]), names.index(m.rsplit(".", 1)[1])))
