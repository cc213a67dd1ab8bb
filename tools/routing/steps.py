"""Draws docs/routing-loudness.svg and docs/routing-steps.svg: python3 tools/routing/steps.py docs

The first shows made-up numbers, chosen to show the idea; the second shows the order in which the evidence gate works.
"""

import pathlib
import sys

from report import COLOURS, document, text

WORDS = ["Translate", "into", "SQL", "all", "players"]
# loudness of each expert at each word, and its mean and deviation on generic requests
EXPERTS = {
    "loud": ([7.2, 7.9, 7.4, 8.1, 7.7], 7.5, 0.6),
    "sql": ([2.6, 1.7, 4.1, 2.2, 3.4], 1.6, 0.5),
    "dates": ([1.1, 1.0, 0.8, 1.2, 0.9], 1.0, 0.3),
}


def panel(x0, title, rows, low, high):
    body = [text(x0, 28, title, weight=700, size=16)]
    width, height, top = 380, 190, 50
    zero = top + height * high / (high - low)
    body.append(f'<line x1="{x0}" y1="{zero:.1f}" x2="{x0 + width}" y2="{zero:.1f}" stroke="#999"/>')
    step = width / len(WORDS)
    for w, word in enumerate(WORDS):
        for e, (name, values) in enumerate(rows.items()):
            value = values[w]
            y = zero - value / (high - low) * height
            body.append(
                f'<rect x="{x0 + w * step + 8 + e * 20:.1f}" y="{min(y, zero):.1f}" width="17" '
                f'height="{abs(zero - y):.1f}" fill="{COLOURS[e]}"/>'
            )
        body.append(text(x0 + w * step + 38, top + height + 22, word, "middle", 13, "#445"))
    return body


def loudness():
    raw = {name: values for name, (values, _, _) in EXPERTS.items()}
    scored = {name: [(v - m) / s for v in values] for name, (values, m, s) in EXPERTS.items()}
    body = panel(20, "How loud each expert is", raw, 0, 9)
    body += panel(470, "…compared with how loud it always is", scored, -1.5, 5.5)
    for e, (name, values) in enumerate(scored.items()):
        x = 20 + e * 300
        body.append(f'<rect x="{x}" y="292" width="14" height="14" fill="{COLOURS[e]}"/>')
        raw_mean = sum(raw[name]) / len(WORDS)
        body.append(text(x + 20, 304, f"{name}: mean {raw_mean:.1f}, evidence {sum(values) / len(values):.1f}"))
    return document(880, 320, "A loud expert wins on loudness, the right one on evidence (made-up numbers)", body)


STEPS = [
    ("the base reads", "its KV and a few inputs|serve every library"),
    ("loudness", "s = ‖P (x − μ)‖|per expert, point, token"),
    ("evidence", "q = mean over points|of (s − m) / σ"),
    ("memory", "R = Σ γⁿ⁻ᵗ q / Σ γⁿ⁻ᵗ|γ = 0, 0.8, 1"),
    ("score", "mean of (R − c) / d:|the highest is chosen"),
    ("does it stand out?", "less what any unusual|request brings"),
]


def steps():
    body, width = [], 158
    for i, (head, lines) in enumerate(STEPS):
        x = 12 + i * (width + 14)
        body.append(f'<rect x="{x}" y="20" width="{width}" height="92" rx="9" fill="#eef3fb" stroke="{COLOURS[0]}"/>')
        body.append(text(x + width / 2, 46, head, "middle", 14, weight=700))
        for n, line in enumerate(lines.split("|")):
            body.append(text(x + width / 2, 72 + 20 * n, line, "middle", 12.5, "#445"))
        if i:
            body.append(f'<path d="M{x - 13} 66h10" stroke="#555" stroke-width="2"/>')
    body.append(text(12, 150, "it does: the chosen adapter reads the request again and answers, with no gate in the decode loop", size=14))
    body.append(text(12, 174, "it does not: the base answers, experts: []", size=14))
    return document(1048, 192, "The evidence gate, step by step", body)


def main():
    docs = pathlib.Path(sys.argv[1])
    (docs / "routing-loudness.svg").write_text(loudness(), encoding="utf-8")
    (docs / "routing-steps.svg").write_text(steps(), encoding="utf-8")


if __name__ == "__main__":
    main()
