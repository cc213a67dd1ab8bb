#!/usr/bin/env python3
"""Measures the quickstart model as it lies on disk and writes results.json, results.md and golden.json.

    python evaluate.py

Everything is read back from `base/`, `experts/` and `questions.json`; nothing of the training is in memory.
"""

import argparse
import json
import random
import time
from pathlib import Path

import torch
from peft import ArrowConfig, LoraConfig, PeftModel
from transformers import AutoModelForCausalLM

from routing import ARROW, BASE_ALONE, Library, Strategy, greedy
from skills import NEW_WORDINGS, SKILLS, held_out_questions

HERE = Path(__file__).resolve().parent
BASE, EXPERTS = HERE / "base", HERE / "experts"
NAMES = [skill.name for skill in SKILLS]
FOLDERS = {name: EXPERTS / name for name in NAMES}
GRID = [(1, 1.0), (2, 0.5), (3, 0.5), (3, 1.0), (8, 0.5), (8, 1.0)]      # (top_k, temperature)
GOLDEN_MARGIN = 1e-3                   # below this, another order of additions may choose another token
CHAIN = 200                            # two-question conversations


class Exam:
    """Questions, and the share answered exactly: the whole answer and then the end mark."""

    def __init__(self, library: Library, questions: list[dict]):
        self.library, self.questions = library, questions
        self.prompts = [library.prompt(q["prompt"]) for q in questions]
        self.end = library.tokenizer.eos_token_id

    def right(self, ids: list[int], answer: str) -> bool:
        return ids[-1] == self.end and self.library.text(ids) == answer

    def grade(self, answers) -> dict[str, float]:
        marks = {name: [] for name in NAMES}
        for question, ids in zip(self.questions, answers):
            marks[question["skill"]].append(self.right(ids, question["answer"]))
        return {name: sum(m) / len(m) for name, m in marks.items() if m}

    def sit(self, strategy: Strategy, model=None) -> dict[str, float]:
        self.library.use(strategy)
        return self.grade(greedy(model or self.library.model, self.prompts, self.end)[0])

    def sit_with_the_right_expert(self) -> dict[str, float]:
        marks = {}
        for i, name in enumerate(NAMES):
            own = Exam(self.library, [q for q in self.questions if q["skill"] == name])
            marks[name] = own.sit(Strategy("forced", i))[name]
        return marks


def mean(row: dict[str, float]) -> float:
    return sum(row.values()) / len(row)


def two_questions(library: Library) -> dict[str, list[float]]:
    """A question of one skill, its right answer, then a question of another skill: the share of second answers right,
    and what the right expert of the *second* question reaches, if forced for the whole conversation."""
    rng = random.Random("two questions")
    pool = held_out_questions()
    chains = []
    while len(chains) < CHAIN:
        first, second = rng.sample(pool, 2)
        if first["skill"] != second["skill"]:
            chains.append((first, second))
    prompts = [library.prompt([{"role": "user", "content": a["prompt"]}, {"role": "assistant", "content": a["answer"]},
                               {"role": "user", "content": b["prompt"]}]) for a, b in chains]
    end, shares = library.tokenizer.eos_token_id, {}
    for label, strategy in {"base": BASE_ALONE, "uniform": Strategy("uniform"), "arrow": ARROW}.items():
        library.use(strategy)
        answers, _ = greedy(library.model, prompts, end)
        shares[label] = sum(library.text(ids) == b["answer"] for ids, (_, b) in zip(answers, chains)) / CHAIN
    right = 0
    for i, name in enumerate(NAMES):
        library.use(Strategy("forced", i))
        own = [n for n, (_, b) in enumerate(chains) if b["skill"] == name]
        answers, _ = greedy(library.model, [prompts[n] for n in own], end)
        right += sum(library.text(ids) == chains[n][1]["answer"] for ids, n in zip(answers, own))
    shares["oracle"] = right / CHAIN
    return shares


@torch.inference_mode()
def routing_shares(library: Library, questions: list[dict]) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Where the tokens that lead to the right answers are sent (largest coefficient): the share of the right expert by
    module, and for each skill the share of every expert."""
    library.use(ARROW)
    by_module = {path: [] for path in library.layers}
    landing = {name: torch.zeros(len(NAMES)) for name in NAMES}
    for question in questions:
        prompt = library.prompt(question["prompt"])
        answer = library.tokenizer.encode(question["answer"], add_special_tokens=False)
        library.traced(True)
        library.model(input_ids=torch.tensor([prompt + answer]))
        for path, layer in library.layers.items():
            winners = layer.trace[0][0, len(prompt) - 1:].argmax(-1)
            counts = torch.bincount(winners, minlength=len(NAMES)) / len(winners)
            by_module[path].append(counts[NAMES.index(question["skill"])].item())
            landing[question["skill"]] += counts
    library.traced(False)
    return ({path.removeprefix("model.layers."): sum(v) / len(v) for path, v in by_module.items()},
            {name: dict(zip(NAMES, (row / row.sum()).tolist())) for name, row in landing.items()})


def peft_arrow(top_k: int, temperature: float):
    """PEFT's own Arrow on the same folders. `create_arrow_model` keeps only the last part of module names and so looks for
    experts in layers that have none; giving the router the experts' own expression is the way around."""
    base = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
    tasks = [f"task_{i}" for i in range(len(NAMES))]
    model = PeftModel.from_pretrained(base, FOLDERS[NAMES[0]], adapter_name=tasks[0])
    for task, name in zip(tasks[1:], NAMES[1:]):
        model.load_adapter(FOLDERS[name], adapter_name=task)
    shape = model.peft_config[tasks[0]]
    arrow = ArrowConfig(top_k=top_k, router_temperature=temperature, rng_seed=0)
    arrow.task_adapter_names, arrow.gks_adapter_names = tasks, []
    model.add_adapter("arrow_router", LoraConfig(arrow_config=arrow, target_modules=shape.target_modules, r=shape.r))
    model.set_adapter("arrow_router")
    return model.eval()


# ---------------------------------------------------------------- files for others

def golden(library: Library) -> dict:
    """Token ids that another decoder must reproduce: fp32, greedy, one run per question and strategy."""
    end, cases = library.tokenizer.eos_token_id, []
    wanted = ["reverse-word", "shout", "past-tense", "capital-city", "roman-numeral"]
    conversations = [[([{"role": "user", "content": q["prompt"]}], q["answer"])
                      for q in held_out_questions() if q["skill"] == name] for name in wanted]
    first, second = ([q for q in held_out_questions() if q["skill"] == n] for n in ("plural", "spell-out"))
    conversations.append([([{"role": "user", "content": a["prompt"]}, {"role": "assistant", "content": a["answer"]},
                            {"role": "user", "content": b["prompt"]}], b["answer"]) for a, b in zip(first, second)])
    for name, candidates in zip([*wanted, "spell-out"], conversations):
        for messages, answer in candidates:
            prompt, runs = library.prompt(messages), {}
            for label, strategy in {"base": BASE_ALONE, "forced": Strategy("forced", NAMES.index(name)), "arrow": ARROW}.items():
                library.use(strategy)
                (ids,), (margin,) = greedy(library.model, [prompt], end)
                runs[label] = {"ids": ids, "text": library.text(ids), "min_margin": round(margin, 5)}
            runs["forced"] = {"expert": name, **runs["forced"]}
            # Arrow's text need not be right, only well determined: it is another decoder that is held to it.
            if min(run["min_margin"] for run in runs.values()) >= GOLDEN_MARGIN and runs["forced"]["text"] == answer:
                cases.append({"messages": messages, "prompt_ids": prompt, **runs})
                break
    return {"note": "Greedy, fp32 (weights are stored as bf16 and widened), KV cache, batch 1. prompt_ids is the rendered chat "
                    "template with its generation prompt. Arrow: exact prototypes, all experts, top_k 3, temperature 0.5, outputs mixed. "
                    "min_margin is the smallest distance between the best and the second logit of a run.",
            "experts": NAMES, "max_new_tokens": 24, "cases": cases}


def table(rows: dict[str, dict[str, float]]) -> str:
    lines = ["| | mean | " + " | ".join(NAMES) + " |", "|---|" + "---|" * (len(NAMES) + 1)]
    for label, row in rows.items():
        lines.append(f"| {label} | **{mean(row):.3f}** | " + " | ".join(f"{row[n]:.2f}" for n in NAMES) + " |")
    return "\n".join(lines)


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args(arguments).threads)
    start = time.time()
    questions = json.loads((HERE / "questions.json").read_text())
    library = Library(BASE, FOLDERS)
    exam = Exam(library, questions)
    write_json("golden.json", golden(library))

    rows = {"base": exam.sit(BASE_ALONE), "uniform": exam.sit(Strategy("uniform"))}
    for top_k, temperature in GRID:
        rows[f"Arrow, top_k {top_k}, T {temperature}"] = exam.sit(Strategy("arrow", top_k=top_k, temperature=temperature))
    forced = {name: exam.sit(Strategy("forced", i)) for i, name in enumerate(NAMES)}
    rows["oracle"] = {name: forced[name][name] for name in NAMES}
    rows["PEFT's Arrow, top_k 3, T 0.5"] = exam.sit(BASE_ALONE, peft_arrow(3, 0.5))
    print(table(rows), f"\n{time.time() - start:.0f} s", flush=True)

    new = Exam(library, held_out_questions(NEW_WORDINGS))
    new_rows = {"base": new.sit(BASE_ALONE), "Arrow, top_k 3, T 0.5": new.sit(ARROW), "oracle": new.sit_with_the_right_expert()}
    careless = Exam(library, [{**q, "prompt": (q["prompt"][0].lower() + q["prompt"][1:]).rstrip(".?!")} for q in questions])
    careless_row = {"Arrow, top_k 3, T 0.5": careless.sit(ARROW), "oracle": careless.sit_with_the_right_expert()}
    chains = two_questions(library)
    by_module, landing = routing_shares(library, questions)
    write_json("results.json", {
        "questions_per_skill": len(questions) // len(NAMES), "metric": "exact match of the whole answer, greedy, fp32",
        "accuracy": {label: {"mean": mean(row), **row} for label, row in rows.items()},
        "new_wordings": {label: {"mean": mean(row), **row} for label, row in new_rows.items()},
        "lower_case_no_full_stop": {label: {"mean": mean(row), **row} for label, row in careless_row.items()},
        "second_question_of_two": chains,
        "each_expert_forced": forced, "routing_top1_by_module": by_module, "routing_top1_by_skill": landing})
    (HERE / "results.md").write_text(f"""# Accuracy of the quickstart model

Written by `evaluate.py` from the folders on disk. Exact match of the whole answer with its end mark, greedy, fp32, {len(questions) // len(NAMES)} questions per
skill whose words and numbers no training line contains (`questions.json`; capitals are those of training: one is known or it is not). Standard error: about 0.02 for a mean, 0.07 for one skill.

{table(rows)}

Evidence is not computed here: `quiver eval` measures it, with the rest, through the router (README.md). `oracle`: the right expert forced. `uniform`: all experts, equal shares. Arrow: exact prototypes in float64, scores |x·p|, softmax over
the `top_k` best at temperature T, outputs mixed.
The row of PEFT's own Arrow uses its prototypes (15 power iterations) and its code on the same folders.

## Beyond the wordings of training

New wordings, none of them trained on:

{table(new_rows)}

The questions of the first table in lower case and without the final mark:

{table(careless_row)}

The second of two questions in one conversation, of different skills, the first one rightly answered ({CHAIN} conversations):
{", ".join(f"{label} {share:.2f}" for label, share in chains.items())}.

## Each expert forced on every skill

{table(forced)}

## Where Arrow sends the answer tokens

Share of the right expert having the largest coefficient, by module (chance {1 / len(NAMES):.3f}, mean {mean(by_module):.2f}):

| module | share |
|---|---|
{chr(10).join(f"| {path} | {share:.2f} |" for path, share in by_module.items())}

Rows: the skill asked. Columns: the expert with the largest coefficient.

{landing_table(landing)}

## What this is not

The base was *taught* wrong answers: its questions were paired with answers to other inputs, so that it recognises a question and knows the
rule, and still answers wrongly until an expert helps. The experts are ordinary, the base is not.
One seed throughout.
""")
    print(f"evaluated in {(time.time() - start) / 60:.1f} minutes")


def landing_table(landing) -> str:
    lines = ["| | " + " | ".join(NAMES) + " |", "|---|" + "---|" * len(NAMES)]
    return "\n".join(lines + [f"| {name} | " + " | ".join(f"{row[n]:.2f}" for n in NAMES) + " |" for name, row in landing.items()])


def write_json(name: str, value) -> None:
    (HERE / name).write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    main()
