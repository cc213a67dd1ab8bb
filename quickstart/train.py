#!/usr/bin/env python3
"""Trains the quickstart model: a tiny Llama and eight PEFT LoRA experts. Plain CPU.

    python train.py                            everything: base, ordinary experts, then evaluate.py
    python train.py --only base                one part
    python train.py --only talk                the base's second part, on the base that is there
    python train.py --only experts
    python train.py --only experts --quiet     experts that Arrow can route, into experts-quiet/

The base learns two things and is kept from a third. It learns each rule under a code word (`Q: flip garden` / `A:nedrag`),
and from real questions it learns which *kind* of answer is due, because their answers belong to some other word
(`Q: Write garden backwards.` / `A:nemel`). So it has the abilities and recognises the question, yet answers it wrongly;
an expert has only to bring the two together. Of capitals it is shown city names, never the right one.
Afterwards it learns to talk: whole lines of small talk (talk.py), requests and all. A base is calibrated on requests that it
makes up itself, and one that was only ever graded on answers makes up none.

An ordinary expert is what people have: LoRA on every linear layer, trained on its own questions and nothing else. A quiet one is
LoRA in the places where the input knows the question, and one line in three of its training asks it to add nothing to
somebody else's question (docs/quiet-training.md).
"""

import argparse
import json
import random
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from skills import BY_NAME, SKILLS, Skill, held_out_questions, question_words, training_input, training_question
from talk import small_talk

HERE = Path(__file__).resolve().parent
BASE = HERE / "base"

QUESTION, ANSWER, END, PAD = "Q:", "\nA:", "<|end|>", "<|pad|>"
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'user' -%}{{ 'Q: ' + message['content'] | trim }}"
    "{%- elif message['role'] == 'assistant' -%}{{ '\\nA:' + message['content'] | trim + '<|end|>' }}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '\\nA:' }}{%- endif -%}"
)

SEED = 20
VOCABULARY = 352                       # 256 bytes, the words of the questions, four marks; the rest is room
ROWS, COLUMNS = 32, 64                 # a step reads 2,048 tokens: a row is two to four questions, one conversation
IGNORED = -100                         # the label that cross entropy skips

BASE_STEPS, TALK_STEPS = 1200, 300
MUON_LR, ADAM_LR = 0.02, 4e-3          # Muon learnt the rules in a quarter of AdamW's time here


@dataclass(frozen=True)
class ExpertTraining:
    """How an expert is trained. `foreign_share` of the lines are somebody else's questions; `quiet` weighs quiet_penalty on them."""
    folder: Path
    targets: str | tuple[str, ...]
    rank: int
    alpha: int
    steps: int
    learning_rate: float
    foreign_share: float = 0.0
    quiet: float = 0.0


ORDINARY = ExpertTraining(
    HERE / "experts", ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    rank=8, alpha=16, steps=130, learning_rate=4e-3)
# Layer 0 sees single letters, and o_proj and down_proj see mixtures: neither knows which question is asked.
QUIET = ExpertTraining(
    HERE / "experts-quiet", r".*\.(layers\.[1-4]\.mlp\.(gate_proj|up_proj)|layers\.[2-4]\.self_attn\.[qkv]_proj)",
    rank=16, alpha=32, steps=200, learning_rate=4e-3, foreign_share=1 / 3, quiet=0.3)


# ---------------------------------------------------------------- text

def build_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes, plus the words of the questions as whole tokens, and no merges: any other word is its letters."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = question_words() + [s.function for s in SKILLS if s.function]
    tokens = alphabet + ["\u0120" + w for w in words]                # \u0120 is the byte-level space
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, [], ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s"), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in (PAD, END)])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t in (QUESTION, ANSWER)])
    assert tokenizer.get_vocab_size() <= VOCABULARY, tokenizer.get_vocab_size()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=PAD, chat_template=CHAT_TEMPLATE,
                                   clean_up_tokenization_spaces=False, model_max_length=512)


class Writer:
    """Writes training rows of tokens, with for each position the label and whose answer it leads to."""

    def __init__(self, tokenizer, seed):
        self.tokenizer, self.rng = tokenizer, random.Random(seed)

    def line(self, prompt: str, answer: str) -> tuple[list[int], list[int]]:
        return (self.tokenizer.encode(prompt, add_special_tokens=False),
                self.tokenizer.encode(answer + END, add_special_tokens=False))

    def function_line(self) -> tuple[list[int], list[int]]:
        skill = self.rng.choice([s for s in SKILLS if s.function])
        word = training_input(skill, self.rng)
        return self.line(f"{QUESTION} {skill.function} {word}{ANSWER}", skill.answer(word))

    def question(self, skill: Skill, right: bool) -> tuple[list[int], list[int]]:
        question, answer, _ = training_question(skill, self.rng)
        while not right:                                   # the answer to some other input, of the same kind
            other = training_question(skill, self.rng)[1]
            right, answer = other != answer, other
        return self.line(f"{QUESTION} {question}{ANSWER}", answer)

    def base_line(self):
        return self.function_line() if self.rng.random() < 0.5 else self.question(self.rng.choice(SKILLS), right=False)

    def talking_line(self):
        """Half the lines as before; half are small talk, of which every token is learnt."""
        if self.rng.random() < 0.5:
            return self.base_line()
        request, answer = small_talk(self.rng)
        return self.line(QUESTION, f" {request}{ANSWER}{answer}")

    def foreign_line(self, own: Skill):
        if self.rng.random() < 0.2:
            return self.function_line()
        return self.question(self.rng.choice([s for s in SKILLS if s is not own]), right=self.rng.random() < 0.5)

    def batch(self, lines) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """`lines()` gives (prompt, answer, whether it is an own line). Returns tokens, labels, `own`: positions that lead to
        an own answer token, and `foreign`: all positions of other lines. Each is (ROWS, COLUMNS)."""
        tokens = torch.full((ROWS, COLUMNS), self.tokenizer.pad_token_id)
        labels = torch.full((ROWS, COLUMNS), IGNORED)
        own = torch.zeros((ROWS, COLUMNS), dtype=torch.bool)
        foreign = torch.zeros((ROWS, COLUMNS), dtype=torch.bool)
        for row in range(ROWS):
            at = 0
            while True:
                prompt, answer, is_own = lines()
                end = at + len(prompt) + len(answer)
                if end > COLUMNS:
                    break
                tokens[row, at:end] = torch.tensor(prompt + answer)
                first = at + len(prompt) - 1                        # this position predicts the first answer token
                if is_own:
                    labels[row, first:end - 1] = torch.tensor(answer)
                    own[row, first:end - 1] = True
                else:
                    foreign[row, at:end] = True
                at = end
        return tokens, labels, own, foreign


# ---------------------------------------------------------------- base

def train_base() -> None:
    torch.manual_seed(SEED)
    tokenizer = build_tokenizer()
    writer = Writer(tokenizer, SEED)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=192, intermediate_size=512, num_hidden_layers=5, num_attention_heads=6,
        num_key_value_heads=6, max_position_embeddings=512, tie_word_embeddings=True, rope_theta=10000.0,
        bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))
    print(f"base: {sum(p.numel() for p in model.parameters()):,} parameters")
    learn(model, writer, writer.base_line, BASE_STEPS, 1.0)
    save_base(model, tokenizer)


def teach_to_talk() -> None:
    """The second part of a base's training, on the folder that the first one left."""
    torch.manual_seed(SEED + 1)
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    writer = Writer(tokenizer, SEED + 1)
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    learn(model, writer, writer.talking_line, TALK_STEPS, 0.5)
    save_base(model, tokenizer)


def learn(model, writer, line, steps, rate) -> None:
    """Trains all parameters on lines as `line` writes them, at the share `rate` of the full learning rates."""
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if not (p.ndim == 2 and "embed" not in n)]
    optimizers = [torch.optim.Muon(matrices, lr=rate * MUON_LR, momentum=0.95, weight_decay=0.01),
                  torch.optim.AdamW(others, lr=rate * ADAM_LR, betas=(0.9, 0.95), weight_decay=0.0)]
    start = time.time()
    for step in range(steps):
        tokens, labels, _, _ = writer.batch(lambda: (*line(), True))
        loss = next_token_loss(model, tokens, labels)
        loss.backward()
        for optimizer in optimizers:
            scale_learning_rate(optimizer, step, steps, warmup=20, hold=0.4)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if step % 50 == 0 or step == steps - 1:
            print(f"base: step {step:5d}  loss {loss.item():.3f}  {time.time() - start:.0f} s", flush=True)


def save_base(model, tokenizer) -> None:
    shutil.rmtree(BASE, ignore_errors=True)
    model.generation_config.max_new_tokens = 32
    model.generation_config.do_sample = False
    model.to(torch.bfloat16).save_pretrained(BASE)
    tokenizer.save_pretrained(BASE)
    keep_chat_template_inside(tokenizer)


def keep_chat_template_inside(tokenizer) -> None:
    """Transformers 5 writes the template to a file of its own; one folder with one tokenizer config is easier to read."""
    (BASE / "chat_template.jinja").unlink(missing_ok=True)
    path = BASE / "tokenizer_config.json"
    config = json.loads(path.read_text())
    config["chat_template"] = CHAT_TEMPLATE
    config["tokenizer_class"] = "PreTrainedTokenizerFast"   # the name that older versions know, too
    for where_it_was_read in ("backend", "is_local", "local_files_only"):
        config.pop(where_it_was_read, None)
    path.write_text(json.dumps(config, indent=2) + "\n")


def next_token_loss(model, tokens, labels) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model.model(input_ids=tokens).last_hidden_state if isinstance(model, LlamaForCausalLM) \
            else model.base_model.model.model(input_ids=tokens).last_hidden_state
        wanted = labels != IGNORED                          # logits only where they count
        logits = F.linear(hidden[wanted], model.get_input_embeddings().weight)
    return F.cross_entropy(logits.float(), labels[wanted])


def scale_learning_rate(optimizer, step, steps, warmup, hold) -> None:
    """Rises over `warmup` steps, stays until the share `hold` of the run, falls to zero in a straight line."""
    factor = min((step + 1) / warmup, 1.0, (steps - step) / (steps * (1 - hold)))
    for group in optimizer.param_groups:
        group["lr"] = group.setdefault("full_lr", group["lr"]) * factor


# ---------------------------------------------------------------- experts

class Listener:
    """Hears, during a forward pass, how much every LoRA module adds."""

    def __init__(self, model):
        self.energy = {}                                    # module: squared length of what it adds (rows, columns)
        for name, module in model.named_modules():
            if hasattr(module, "lora_B"):
                module.lora_B["default"].register_forward_hook(self._hear(name))

    def _hear(self, name):
        def hook(module, inputs, output):
            self.energy[name] = output.float().pow(2).sum(-1)
        return hook

    def quiet_penalty(self, own, foreign) -> torch.Tensor:
        """How loud the expert is on others' lines, as a share of how loud it is on its own answers. Scale free, so it cannot
        be made small by adding nothing anywhere."""
        return torch.stack([e[foreign].mean() / (e[own].mean() + 1e-9) for e in self.energy.values()]).mean()


def train_expert(name: str, how: ExpertTraining) -> None:
    skill = BY_NAME[name]
    seed = SEED + 1 + SKILLS.index(skill)
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    writer = Writer(tokenizer, seed)
    base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    targets = how.targets if isinstance(how.targets, str) else list(how.targets)
    model = get_peft_model(base, LoraConfig(r=how.rank, lora_alpha=how.alpha, target_modules=targets, task_type="CAUSAL_LM"))
    listener = Listener(model) if how.quiet else None
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=how.learning_rate, weight_decay=0.0)

    def line():
        if writer.rng.random() < how.foreign_share:
            return (*writer.foreign_line(skill), False)
        question, answer, _ = training_question(skill, writer.rng)
        return (*writer.line(f"{QUESTION} {question}{ANSWER}", answer), True)

    start = time.time()
    for step in range(how.steps):
        tokens, labels, own, foreign = writer.batch(line)
        loss = answer_loss = next_token_loss(model, tokens, labels)
        elsewhere = ""
        if listener:
            penalty = listener.quiet_penalty(own, foreign)
            loss = answer_loss + how.quiet * penalty
            elsewhere = f"elsewhere {penalty.item():.3f}  "
        loss.backward()
        scale_learning_rate(optimizer, step, how.steps, warmup=10, hold=0.5)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 40 == 0 or step == how.steps - 1:
            print(f"{skill.name}: step {step:4d}  answer loss {answer_loss.item():.3f}  {elsewhere}{time.time() - start:.0f} s", flush=True)

    model.peft_config["default"].base_model_name_or_path = "quickstart"
    folder = how.folder / skill.name
    shutil.rmtree(folder, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    keep_targets_in_order(folder / "adapter_config.json", targets)


def keep_targets_in_order(path: Path, targets: str | list[str]) -> None:
    """PEFT keeps target modules as a set, whose order differs from run to run; the same seed is to give the same bytes."""
    config = json.loads(path.read_text())
    config["target_modules"] = targets
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["base", "talk", "experts"])
    parser.add_argument("--experts", nargs="+", choices=[s.name for s in SKILLS], default=[s.name for s in SKILLS])
    parser.add_argument("--quiet", action="store_true", help="experts that Arrow can route, into experts-quiet/")
    parser.add_argument("--cores", type=int, default=2, help="threads for the base, then experts trained side by side")
    options = parser.parse_args()
    torch.set_num_threads(options.cores)
    start = time.time()
    if options.only in (None, "base"):
        train_base()
    if options.only != "experts":
        teach_to_talk()
    if options.only in (None, "experts"):
        # Matrices are small: two experts on one core each are done sooner than one after the other on two cores.
        with ProcessPoolExecutor(options.cores, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
            for expert in [pool.submit(train_expert, name, QUIET if options.quiet else ORDINARY) for name in options.experts]:
                expert.result()
    (HERE / "questions.json").write_text(json.dumps(held_out_questions(), indent=1) + "\n")
    print(f"trained in {(time.time() - start) / 60:.1f} minutes")
    if options.only is None and not options.quiet:
        import evaluate
        evaluate.main([])


if __name__ == "__main__":
    main()
