"""Rewrites one measured part of docs/routing.md, on a library of many adapters, from what `quiver eval --json` wrote.

    library.py SECTION PAGE RESULT.json [--foreign FOREIGN.json] [--examples EXAMPLES.json FOREIGN.json COUNT] [--conditions TEXT]

SECTION names the part, which lies between two comments. FOREIGN.json is what it wrote of requests that belong to no
adapter; --examples has what it wrote after adapters had been pushed with COUNT examples each, of questions that are no examples and of foreign requests. Needs nothing but Python's own library. The same results give the same bytes.
"""

import argparse
import json
import pathlib

from report import between, evidence, none_of_them, part, short, table


def confusions(result):
    """Who was chosen for whose questions, where it was another."""
    lines = []
    for skill, row in sorted(evidence(result)["chosen_by_skill"].items()):
        wrong = {short(who): count for who, count in row.items() if who != result["right_adapters"].get(skill, "base")}
        if wrong:
            others = ", ".join(f"{who} {count}" for who, count in sorted(wrong.items(), key=lambda one: (-one[1], one[0])))
            lines.append(f"| {skill} | {sum(row.values())} | {others} |")
    return ["| questions of | asked | given to others |", "|---|---|---|"] + lines if lines else ["Every question was given to its own adapter."]


def right(answers, result):
    """(exact match, right adapter chosen) of some answers."""
    chosen = sum(answer["chosen"] == result["right_adapters"][answer["skill"]] for answer in answers)
    return sum(answer["exact"] for answer in answers) / len(answers), chosen / len(answers)


def left(result, foreign):
    """How many requests each kind leaves to the base, without who took the others."""
    lines = none_of_them(result, foreign)
    return lines[: lines.index("")]


def with_examples(result, sharpened, count):
    """The same questions with and without examples."""
    asked = {answer["prompt"] for answer in evidence(sharpened)["answers"]}
    lines = [f"| {len(asked)} questions that are no examples | exact match | right adapter chosen |", "|---|---|---|"]

    def line(what, answers):
        exact, chosen = right(answers, result)
        lines.append(f"| {what} | {part(exact)} | {part(chosen)} |")

    for strategy in result["strategies"]:
        if strategy["strategy"] == "oracle":
            line("oracle", [answer for answer in strategy["answers"] if answer["prompt"] in asked])
    line("evidence", [answer for answer in evidence(result)["answers"] if answer["prompt"] in asked])
    line(f"evidence, {count} examples of each adapter", evidence(sharpened)["answers"])
    return lines


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("section")
    arguments.add_argument("page", type=pathlib.Path)
    arguments.add_argument("result", type=pathlib.Path)
    arguments.add_argument("--foreign", type=pathlib.Path)
    arguments.add_argument("--examples", nargs=3, metavar=("EXAMPLES.json", "FOREIGN.json", "COUNT"))
    arguments.add_argument("--conditions", default="conditions not said")
    given = arguments.parse_args()
    read = lambda path: json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    result = read(given.result)
    lines = table(result, given.conditions) + [""] + confusions(result)
    if given.examples:
        lines += [""] + with_examples(result, read(given.examples[0]), given.examples[2])
    if given.foreign:
        lines += [""] + left(result, read(given.foreign))
    if given.examples:
        lines += ["", f"With {given.examples[2]} examples of each adapter:", ""] + left(read(given.examples[0]), read(given.examples[1]))
    begin, end = f"<!-- {given.section}: tools/routing/measure.sh writes from here -->", f"<!-- {given.section}: to here -->"
    given.page.write_text(between(given.page.read_text(encoding="utf-8"), begin, end, lines), encoding="utf-8")


if __name__ == "__main__":
    main()
