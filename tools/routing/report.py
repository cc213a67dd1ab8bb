"""Rewrites the measured parts of docs/routing.md, and its figures, from what `quiver eval --json` wrote.

    report.py RESULT.json DOCS [--foreign FOREIGN.json] [--conditions TEXT]
    report.py RESULT.json --page FILE [--conditions TEXT]     the table alone, in another page

FOREIGN.json is what it wrote of requests that belong to no adapter, under evidence.

Needs nothing but Python's own library. The same result gives the same bytes.
"""

import argparse
import json
import pathlib
from xml.sax.saxutils import escape

BEGIN, END = "<!-- measured: tools/routing/measure.sh writes from here -->", "<!-- measured: to here -->"
FOREIGN_BEGIN = "<!-- none of them: tools/routing/measure.sh writes from here -->"
FOREIGN_END = "<!-- none of them: to here -->"
TAKEN_MAX = 40
FONT = 'font-family="Segoe UI, Helvetica, Arial, sans-serif" font-size="14" fill="#111"'
COLOURS = ["#3b6fb6", "#d1702b", "#3f8f5b", "#a0529c", "#9a8a2c", "#5f9ea8", "#888888", "#b04a4a"]


def part(value):
    return "–" if value is None else f"{value:.3f}"


def shown(skill):
    return skill or "(no adapter)"


def short(reference):
    return reference.split("/")[-1].rsplit(":", 1)[0]


def table(result, conditions):
    """Strategies as columns: exact match, with the accuracy of the choice behind it where there is one."""
    strategies = result["strategies"]
    oracle = next((s["exact_match"] for s in strategies if s["strategy"] == "oracle"), None)
    lines = ["| exact match | " + " | ".join(s["strategy"] for s in strategies) + " |"]
    lines.append("|---" * (len(strategies) + 1) + "|")
    lines.append("| all | " + " | ".join(f"**{part(s['exact_match'])}**" for s in strategies) + " |")
    for skill in sorted(strategies[0]["by_skill"]):
        cells = [part(s["by_skill"][skill]["exact_match"]) for s in strategies]
        lines.append(f"| {shown(skill)} | " + " | ".join(cells) + " |")
    for wording in sorted(strategies[0]["by_wording"]):
        cells = [part(s["by_wording"][wording]["exact_match"]) for s in strategies]
        lines.append(f"| wording {wording} | " + " | ".join(cells) + " |")
    if oracle:
        cells = [part(s["exact_match"] / oracle) for s in strategies]
        lines.append("| of the oracle | " + " | ".join(cells) + " |")
    lines.append("| right adapter chosen | " + " | ".join(part(s["choice_accuracy"]) for s in strategies) + " |")
    seconds = [f"{s['elapsed_millis'] / 1000:.0f} s" for s in strategies]
    lines.append("| time | " + " | ".join(seconds) + " |")
    error = 0.5 / result["question_count"] ** 0.5
    lines += [
        "",
        f"{result['question_count']} questions, {len(result['library'])} adapters on {result['base']}, "
        f"{result['concurrency']} questions at a time, {conditions}, {result['began_at'][:10]}. "
        f"Standard error of a figure over all questions: at most {error:.3f}.",
    ]
    return lines


def evidence(result):
    found = [s for s in result["strategies"] if s["strategy"] == "evidence"]
    if len(found) != 1:
        raise SystemExit("who is left to the base is counted under evidence, which was not measured")
    return found[0]


def taken(answer):
    """A line on a foreign request that an adapter took."""
    decision = answer["routing"]["decisions"][0]
    stand_out = next(e["stand_out"] for e in decision["ranking"] if f"{e['name']}:{e['version']}" == answer["chosen"])
    prompt = " ".join(answer["prompt"].split()).replace("|", "\\|").replace("`", "'")
    prompt = prompt if len(prompt) <= 70 else prompt[:69] + "…"
    return f"| {prompt} | {answer['wording']} | {short(answer['chosen'])} | {stand_out:.2f} |"


def none_of_them(result, foreign):
    """How many requests each kind leaves to the base, and who took foreign ones."""
    left = evidence(foreign)
    total = lambda row: sum(row.values())
    nobodys = left["chosen_by_skill"][""]
    kept = evidence(result)["chosen_by_skill"]
    of_skills = sum(map(total, kept.values()))
    refused = sum(row.get("base", 0) for row in kept.values())
    lines = ["| evidence | requests | left to the base | kept an adapter |", "|---|---|---|---|"]

    def line(what, requests, to_base):
        lines.append(f"| {what} | {requests} | {to_base / requests:.3f} | {1 - to_base / requests:.3f} |")

    line("**foreign**, all", total(nobodys), nobodys.get("base", 0))
    for wording in sorted(left["by_wording"]):
        answers = [a for a in left["answers"] if a["wording"] == wording]
        line(f"foreign, {wording}", len(answers), sum(a["chosen"] == "base" for a in answers))
    line("**an adapter's own**, all", of_skills, refused)
    wrong = [answer for answer in left["answers"] if answer["chosen"] != "base"]
    threshold = left["answers"][0]["routing"]["decisions"][0]["threshold"]
    lines += ["", f"The library's threshold is {threshold:.2f}. " + ("Nobody took a foreign request." if not wrong else "Taken were:")]
    if wrong:
        lines += ["", "| foreign request | | taken by | stand-out |", "|---|---|---|---|"]
        lines += [taken(answer) for answer in wrong[:TAKEN_MAX]]
        if len(wrong) > TAKEN_MAX:
            lines += ["", f"and {len(wrong) - TAKEN_MAX} more."]
    return lines


def between(page, begin, end, lines):
    if page.count(begin) != 1 or page.count(end) != 1:
        raise SystemExit(f"the page has no place for a table: it lies between the lines\n{begin}\n{end}")
    before, rest = page.split(begin)
    return before + begin + "\n\n" + "\n".join(lines) + "\n\n" + end + rest.split(end)[1]


def document(width, height, title, body):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" {FONT}>'
        f'<title>{escape(title)}</title><rect width="{width}" height="{height}" fill="#fff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def text(x, y, content, anchor="start", size=14, fill="#111", weight=400):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{fill}" '
        f'font-weight="{weight}">{escape(content)}</text>'
    )


def bars(result):
    """One bar a strategy: how much of the questions it answers."""
    rows, body = result["strategies"], []
    left, wide, step = 190, 620, 34
    for i, strategy in enumerate(rows):
        y = 30 + i * step
        value = strategy["exact_match"] or 0
        body.append(text(left - 12, y + 16, strategy["strategy"], "end", weight=700 if i == 0 else 400))
        body.append(f'<rect x="{left}" y="{y}" width="{wide}" height="22" fill="#f2f2f2"/>')
        body.append(f'<rect x="{left}" y="{y}" width="{wide * value:.1f}" height="22" fill="{COLOURS[i % len(COLOURS)]}"/>')
        body.append(text(left + wide + 12, y + 16, part(strategy["exact_match"])))
    height = 50 + len(rows) * step
    return document(900, height, "Questions answered exactly, by strategy", body)


def confusion(result):
    """Per strategy that chooses a square: rows the adapter that should have answered, columns the one that did."""
    deciding = [s for s in result["strategies"] if s.get("chosen_by_skill")]
    columns = result["library"] + ["base"]
    cell, label, top = 34, 130, 70
    wide = label + cell * len(columns) + 50
    body = []
    for number, strategy in enumerate(deciding):
        x0 = 20 + number * wide
        body.append(text(x0 + label, 24, strategy["strategy"], weight=700, size=16))
        for c, column in enumerate(columns):
            x, y = x0 + label + c * cell + cell / 2, top - 8
            body.append(f'<g transform="translate({x:.1f} {y:.1f}) rotate(-35)">' + text(0, 0, short(column), size=11, fill="#445") + "</g>")
        for r, skill in enumerate(sorted(strategy["chosen_by_skill"])):
            row = strategy["chosen_by_skill"][skill]
            total, y = sum(row.values()), top + r * cell
            body.append(text(x0 + label - 10, y + 22, shown(skill), "end", size=12))
            for c, column in enumerate(columns):
                count = row.get(column, 0)
                right = result["right_adapters"].get(skill, "base") == column
                colour = "63,143,91" if right else "176,74,74"
                x = x0 + label + c * cell
                body.append(
                    f'<rect x="{x}" y="{y}" width="{cell - 2}" height="{cell - 2}" fill="rgb({colour})" '
                    f'fill-opacity="{count / total:.3f}" stroke="#ccc"/>'
                )
                if count:
                    body.append(text(x + cell / 2 - 1, y + 21, str(count), "middle", 12))
    height = top + cell * len(result["strategies"][0]["by_skill"]) + 16
    return document(20 + wide * max(1, len(deciding)), height, "Who was chosen, by who should have been", body)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("result", type=pathlib.Path)
    arguments.add_argument("docs", type=pathlib.Path, nargs="?")
    arguments.add_argument("--page", type=pathlib.Path)
    arguments.add_argument("--foreign", type=pathlib.Path)
    arguments.add_argument("--conditions", default="conditions not said")
    given = arguments.parse_args()
    result = json.loads(given.result.read_text(encoding="utf-8"))
    if (given.docs is None) == (given.page is None):
        arguments.error("either DOCS or --page")
    page = given.page or given.docs / "routing.md"
    written = page.read_text(encoding="utf-8")
    lines = table(result, given.conditions)
    if given.docs:
        lines += ["", "![How many questions each strategy answers](routing-exact.svg)"]
        lines += ["", "![Who was chosen, by who should have been](routing-chosen.svg)"]
        (given.docs / "routing-exact.svg").write_text(bars(result), encoding="utf-8")
        (given.docs / "routing-chosen.svg").write_text(confusion(result), encoding="utf-8")
    written = between(written, BEGIN, END, lines)
    if given.foreign:
        foreign = json.loads(given.foreign.read_text(encoding="utf-8"))
        written = between(written, FOREIGN_BEGIN, FOREIGN_END, none_of_them(result, foreign))
    page.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
