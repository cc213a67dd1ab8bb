#!/usr/bin/env python3
"""Trains the quickstart model: a tiny Llama and six PEFT LoRA experts that Arrow can route. Plain CPU, about ten minutes.

    python train.py                 everything: base, experts, then evaluate.py
    python train.py --only base     one part
    python train.py --only experts

The base learns two things and is kept from a third. It learns each rule under a code word (`Q: flip garden` / `A:nedrag`),
and from real questions it learns which *kind* of answer is due, because their answers belong to some other word
(`Q: Write garden backwards.` / `A:nemel`). So it has the abilities and recognises the question, yet answers it wrongly;
an expert has only to bring the two together. Of capitals it is shown city names, never the right one.

An expert is LoRA in the places where the input knows the question, trained on its own questions and, one line in three, to
be quiet on everybody else's. Without that the top singular vector of an update points nowhere in particular, and Arrow chooses
badly.
"""

import argparse
import json
import random
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from skills import BY_NAME, SKILLS, WITH_EXPERT, Skill, held_out_questions, question_words, training_input, training_question

HERE = Path(__file__).resolve().parent
BASE, EXPERTS = HERE / "base", HERE / "experts"

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

BASE_STEPS = 1200
MUON_LR, ADAM_LR = 0.02, 4e-3          # Muon learnt the rules in a quarter of AdamW's time here
RANK, ALPHA = 16, 32
# Layer 0 sees single letters, and o_proj and down_proj see mixtures: neither knows which question is asked.
TARGETS = r".*\.(layers\.[1-4]\.mlp\.(gate_proj|up_proj)|layers\.[2-4]\.self_attn\.[qkv]_proj)"
FOREIGN_SHARE = 1 / 3                  # lines of an expert's training that are somebody else's questions
QUIET = 0.3                            # weight of quiet_penalty


EXPERT_STEPS, EXPERT_LR = 200, 4e-3


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

    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if not (p.ndim == 2 and "embed" not in n)]
    optimizers = [torch.optim.Muon(matrices, lr=MUON_LR, momentum=0.95, weight_decay=0.01),
                  torch.optim.AdamW(others, lr=ADAM_LR, betas=(0.9, 0.95), weight_decay=0.0)]
    start = time.time()
    for step in range(BASE_STEPS):
        tokens, labels, _, _ = writer.batch(lambda: (*writer.base_line(), True))
        loss = next_token_loss(model, tokens, labels)
        loss.backward()
        for optimizer in optimizers:
            scale_learning_rate(optimizer, step, BASE_STEPS, warmup=20, hold=0.4)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if step % 100 == 0 or step == BASE_STEPS - 1:
            print(f"base: step {step:5d}  loss {loss.item():.3f}  {time.time() - start:.0f} s", flush=True)

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
    config.pop("backend", None)
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


def train_expert(name: str) -> None:
    skill = BY_NAME[name]
    seed = SEED + 1 + SKILLS.index(skill)
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    writer = Writer(tokenizer, seed)
    base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=TARGETS, task_type="CAUSAL_LM"))
    listener = Listener(model)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=EXPERT_LR, weight_decay=0.0)

    def line():
        if writer.rng.random() < FOREIGN_SHARE:
            return (*writer.foreign_line(skill), False)
        question, answer, _ = training_question(skill, writer.rng)
        return (*writer.line(f"{QUESTION} {question}{ANSWER}", answer), True)

    start = time.time()
    for step in range(EXPERT_STEPS):
        tokens, labels, own, foreign = writer.batch(line)
        answer_loss = next_token_loss(model, tokens, labels)
        quiet = listener.quiet_penalty(own, foreign)
        (answer_loss + QUIET * quiet).backward()
        scale_learning_rate(optimizer, step, EXPERT_STEPS, warmup=10, hold=0.5)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 50 == 0 or step == EXPERT_STEPS - 1:
            print(f"{skill.name}: step {step:4d}  answer loss {answer_loss.item():.3f}  elsewhere {quiet.item():.3f}  "
                  f"{time.time() - start:.0f} s", flush=True)

    model.peft_config["default"].base_model_name_or_path = "quickstart"
    folder = EXPERTS / skill.name
    shutil.rmtree(folder, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["base", "experts"])
    parser.add_argument("--experts", nargs="+", choices=[s.name for s in SKILLS],
                        default=[s.name for s in WITH_EXPERT])
    parser.add_argument("--cores", type=int, default=2, help="threads for the base, then experts trained side by side")
    options = parser.parse_args()
    torch.set_num_threads(options.cores)
    start = time.time()
    if options.only != "experts":
        train_base()
    if options.only != "base":
        # Matrices are small: two experts on one core each are done sooner than one after the other on two cores.
        with ProcessPoolExecutor(options.cores, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
            for expert in [pool.submit(train_expert, name) for name in options.experts]:
                expert.result()
    (HERE / "questions.json").write_text(json.dumps(held_out_questions(), indent=1) + "\n")
    print(f"trained in {(time.time() - start) / 60:.1f} minutes")
    if options.only is None:
        import evaluate
        evaluate.main([])


if __name__ == "__main__":
    main()
