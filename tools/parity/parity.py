"""Trains six LoRA experts for a real base model with PEFT and writes what PEFT answers, for `quiver verify`.

    pip install -r requirements.txt
    python parity.py --model ~/models/SmolLM2-135M-Instruct --out /tmp/parity     # trains what is not there yet
    ./quiver verify /tmp/parity

Everything in float32 on the CPU. The experts are short real trainings on the six skills of the quickstart (all linear layers, loss on
the answer only). Answers are greedy, 128 tokens: the base alone, each adapter alone, and PEFT's Arrow over all six with exact prototypes in
place of its own, which come from a fixed number of power iterations. A prompt with a step nearer to a tie than MARGIN_MIN is left out, since no two
programs in float32 could be held to it, and counted.
"""

import argparse
import json
import random
import sys
from pathlib import Path

import torch
import transformers
from peft import ArrowConfig, LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import create_arrow_model
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parents[1] / "quickstart"), str(HERE.parent / "goldens")]
from plain import Update  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from skills import SKILLS, training_question  # noqa: E402

RANK, ALPHA, BATCH, LEARNING_RATE = 8, 16, 8, 1e-3
TOP_K, TEMPERATURE = 3, 1.0
MARGIN_MIN = 2e-3
PROMPTS = [
    "Once upon a time, in a village by the sea,",
    "The three most important things about cooking rice are",
    "What is the plural of garden? Spell the word winter, then reverse the word river.",
]


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def train(skill, options, tokenizer, folder, seed):
    """One adapter: random questions of a skill in the model's chat format."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.05, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(load(options.model), config).train()
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=LEARNING_RATE)
    for step in range(options.train_steps):
        rows = []
        for _ in range(BATCH):
            question, answer, _ = training_question(skill, rng)
            user = [{"role": "user", "content": question}]
            asked = tokenizer.apply_chat_template(user, add_generation_prompt=True, tokenize=False)
            asked = tokenizer(asked, add_special_tokens=False).input_ids
            answered = tokenizer(answer + "<|im_end|>", add_special_tokens=False).input_ids
            rows.append((asked, answered))
        width = max(len(a) + len(b) for a, b in rows)
        ids = torch.zeros(BATCH, width, dtype=torch.long)
        labels, seen = torch.full_like(ids, -100), torch.zeros_like(ids)
        for i, (asked, answered) in enumerate(rows):
            both = torch.tensor(asked + answered)
            ids[i, : len(both)], seen[i, : len(both)] = both, 1
            labels[i, len(asked) : len(both)] = both[len(asked) :]
        loss = model(input_ids=ids, attention_mask=seen, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    print(f"{skill.name}: loss {loss.item():.3f} after {options.train_steps} steps", flush=True)
    model.save_pretrained(folder)


@torch.no_grad()
def greedy(model, ids, tokens):
    """The likeliest tokens one after another, and the smallest distance of the two likeliest of a step."""
    path, margin, cache, feed = [], float("inf"), None, ids
    while len(path) < tokens:
        output = model(input_ids=torch.tensor([feed]), past_key_values=cache, use_cache=True)
        best = output.logits[0, -1].topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        cache, feed = output.past_key_values, [best.indices[0].item()]
        path += feed
    return path, margin


def answers(model, tokenizer, options):
    prompts = []
    for text in PROMPTS:
        ids = tokenizer(text, add_special_tokens=False).input_ids
        path, margin = greedy(model, ids, options.tokens)
        if margin >= MARGIN_MIN:
            prompts.append({"text": text, "ids": ids, "greedy": path, "min_margin": margin})
    print(f"  {len(prompts)} of {len(PROMPTS)} prompts stay clear of ties", flush=True)
    assert prompts, "every prompt comes near a tie"
    return prompts


def updates(folder):
    stored = load_file(folder / "adapter_model.safetensors")
    paths = {key.split(".lora_")[0] for key in stored}
    scaling = ALPHA / RANK
    return {path: Update(stored[path + ".lora_A.weight"], stored[path + ".lora_B.weight"], scaling) for path in paths}


def arrow(options, folders):
    config = ArrowConfig(top_k=TOP_K, router_temperature=TEMPERATURE)
    model = create_arrow_model(load(options.model), [str(folder) for folder in folders], config).eval()
    library = [updates(folder) for folder in folders]
    for path, layer in model.named_modules():
        if hasattr(layer, "lora_arrow"):
            router = layer.lora_arrow["arrow_router"]
            exact = torch.stack([top_right(expert[path]) for expert in library])
            router.register_buffer("prototypes", exact.float(), persistent=False)
            router._protos_ready = True
    return model


def top_right(update):
    """The top right singular vector of BA from r x r matrices, float64."""
    q_a, r_a = torch.linalg.qr(update.a.double().T)
    _, r_b = torch.linalg.qr(update.b.double())
    _, _, right = torch.linalg.svd(r_b @ r_a.T)
    return q_a @ right[0]


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")
    print(path, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--train-steps", type=int, default=15)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.model = options.model.resolve()
    torch.set_num_threads(options.threads)
    transformers.utils.logging.disable_progress_bar()
    base = f"models/{options.model.name}"
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    folder = options.out / base
    folder.mkdir(parents=True, exist_ok=True)
    for file in options.model.iterdir():
        if not (folder / file.name).exists():
            (folder / file.name).symlink_to(file)
    write(folder / "expected.json", {"prompts": answers(load(options.model), tokenizer, options)})
    names = []
    for seed, skill in enumerate(SKILLS[:6]):
        names.append(f"adapters/{skill.name}")
        if not (options.out / names[-1] / "adapter_model.safetensors").exists():
            train(skill, options, tokenizer, options.out / names[-1], seed)
        single = PeftModel.from_pretrained(load(options.model), options.out / names[-1]).eval()
        prompts = answers(single, tokenizer, options)
        write(options.out / names[-1] / "expected.json", {"model": base, "prompts": prompts})
    routed = arrow(options, [options.out / name for name in names])
    case = {"model": base, "experts": names, "top_k": TOP_K, "temperature": TEMPERATURE, "combine": "outputs"}
    write(options.out / "arrow/all-six/case.json", case | {"prompts": answers(routed, tokenizer, options)})


if __name__ == "__main__":
    main()
