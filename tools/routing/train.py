"""Trains ordinary adapters for the skills of skills.py, and writes their questions:

    train.py BASE FOLDER [--only NAME,NAME] [--beside FOLDER] [--threads N]

BASE is a folder in Hugging Face's layout. FOLDER gets experts/NAME (PEFT's layout, weights in bfloat16) and questions.json, as tools/routing/measure.sh reads them; what is there
already is kept, so that an interrupted run goes on. --beside takes the adapters and questions of another such folder along, which makes one library of both.

Ordinary means: LoRA as PEFT makes it, default initialisation, AdamW, batches of 4, loss on the answer's tokens alone, own data only, another seed each. Training ends when 15 of 16
validation questions in trained wordings are right, at step 400 at the latest; the questions that are written out are neither trained nor validated on.
Runs on a processor: the base in bfloat16, the adapter in float32.
"""

import argparse
import json
import pathlib
import random
import shutil
import time

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from skills import SKILLS

QUESTIONS, VALIDATION, BATCH, FIRST_LOOK, LOOK, STEPS_MAX = 20, 16, 4, 50, 25, 400


def asked(skill, wordings, draw, count, taken):
    """`count` (prompt, answer) pairs whose texts are not in `taken`, wordings in turn; their texts are added to it."""
    pairs = []
    while len(pairs) < count:
        x, answer = skill.sample(draw)
        if x in taken:
            continue
        taken.add(x)
        pairs.append((wordings[len(pairs) % len(wordings)].replace("{x}", x), answer))
    return pairs


def tokens(tokenizer, prompt, answer=None):
    turn = [{"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids if answer is None else (ids, tokenizer(answer + "<|im_end|>", add_special_tokens=False)["input_ids"])


def loss(model, batch):
    """Mean cross entropy of the answers' tokens.

    All texts lie in one row: what they begin with alike stands there once, and each sees that and itself, at its own positions. The same numbers as one text a row, for fewer tokens.
    """
    prompts = [prompt for prompt, _ in batch]
    common = next(i for i in range(len(prompts[0])) if len({prompt[i] for prompt in prompts}) > 1)
    ids, places, texts, before, wanted = prompts[0][:common], list(range(common)), [-1] * common, [], []
    for text, (prompt, answer) in enumerate(batch):
        before += range(len(ids) + len(prompt) - common - 1, len(ids) + len(prompt) - common - 1 + len(answer))
        wanted += answer
        ids, places = ids + prompt[common:] + answer, places + list(range(common, len(prompt) + len(answer)))
        texts += [text] * (len(places) - len(texts))
    text, order = torch.tensor(texts), torch.arange(len(ids))
    seen = (order[None] <= order[:, None]) & ((text[None] == text[:, None]) | (text[None] == -1))  # (tokens, tokens): row sees column
    inner = model.base_model.model
    mask = torch.zeros(seen.shape, dtype=inner.dtype).masked_fill(~seen, torch.finfo(inner.dtype).min)[None, None]
    inputs = {"input_ids": torch.tensor([ids]), "position_ids": torch.tensor([places]), "attention_mask": mask}
    hidden = inner.model(**inputs, use_cache=False).last_hidden_state[0]  # (tokens, width)
    return torch.nn.functional.cross_entropy(inner.lm_head(hidden[before]).float(), torch.tensor(wanted))


@torch.no_grad()
def right(model, tokenizer, pairs):
    """How many answers greedy decoding gets right letter by letter."""
    model.eval()
    count = 0
    for prompt, answer in pairs:
        ids = torch.tensor([tokens(tokenizer, prompt)])
        end = tokenizer.convert_tokens_to_ids("<|im_end|>")
        out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=40, do_sample=False, eos_token_id=end, pad_token_id=end)
        count += tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=False).split("<|im_end|>")[0] == answer
    model.train()
    return count


def train(base, tokenizer, name, skill, seed, folder):
    torch.manual_seed(seed)
    draw, taken = random.Random(seed), set()
    questions = asked(skill, skill.wordings, draw, QUESTIONS // 2, taken), asked(skill, skill.new, draw, QUESTIONS // 2, taken)
    validation = asked(skill, skill.wordings, draw, VALIDATION, taken)
    held = frozenset(taken)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16),
        LoraConfig(
            r=skill.rank, lora_alpha=2 * skill.rank, lora_dropout=0.05, target_modules=list(skill.targets), use_rslora=skill.rslora, task_type="CAUSAL_LM"
        ),
    )
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=skill.rate if not skill.rslora else skill.rate / skill.rank**0.5)
    model.train()
    began = time.monotonic()
    for step in range(1, STEPS_MAX + 1):
        pairs = []
        while len(pairs) < BATCH:
            x, answer = skill.sample(draw)
            if x not in held:
                pairs.append((draw.choice(skill.wordings).replace("{x}", x), answer))
        value = loss(model, [tokens(tokenizer, *pair) for pair in pairs])
        value.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step >= FIRST_LOOK and (step - FIRST_LOOK) % LOOK == 0:
            good = right(model, tokenizer, validation)
            print(f"{name}: step {step}, loss {value.item():.3f}, {good} of {VALIDATION} right, {time.monotonic() - began:.0f} s", flush=True)
            if good >= VALIDATION - 1:
                break
    place = folder / "experts" / name
    model.save_pretrained(place.with_suffix(".part"))
    file = place.with_suffix(".part") / "adapter_model.safetensors"
    save_file({key: value.to(torch.bfloat16).contiguous() for key, value in load_file(file).items()}, file, metadata={"format": "pt"})
    (folder / "questions").mkdir(exist_ok=True)
    (folder / "questions" / f"{name}.json").write_text(
        json.dumps([
            {"skill": name, "prompt": prompt, "answer": answer, "wording": wording}
            for wording, pairs in zip(("trained", "new"), questions) for prompt, answer in pairs
        ])
    )
    place.with_suffix(".part").rename(place)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--only", help="names of skills, separated by commas")
    parser.add_argument("--beside", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tokenizer = AutoTokenizer.from_pretrained(options.base)
    (options.folder / "experts").mkdir(parents=True, exist_ok=True)
    for seed, (name, skill) in enumerate(SKILLS.items(), start=1):
        place = options.folder / "experts" / name
        if not place.exists() and (options.only is None or name in options.only.split(",")):
            shutil.rmtree(place.with_suffix(".part"), ignore_errors=True)
            train(options.base, tokenizer, name, skill, seed, options.folder)
    found = sorted(options.folder.glob("questions/*.json"))
    questions = [question for file in found for question in json.loads(file.read_text())]
    if options.beside is not None:
        shutil.copytree(options.beside / "experts", options.folder / "experts", dirs_exist_ok=True)
        questions = json.loads((options.beside / "questions.json").read_text()) + questions
    lines = ",\n".join(" " + json.dumps(question, ensure_ascii=False) for question in questions)
    (options.folder / "questions.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(questions)} questions, {len(list((options.folder / 'experts').iterdir()))} adapters in {options.folder}")


if __name__ == "__main__":
    main()
