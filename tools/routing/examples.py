"""Makes example prompts of questions: examples.py FOLDER COUNT OUT

Copies FOLDER/experts to OUT, each with the first COUNT questions of its skill as examples.jsonl; OUT/questions.json has the other questions.
"""

import json
import pathlib
import shutil
import sys


def main():
    folder, count, out = pathlib.Path(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    shutil.copytree(folder / "experts", out / "experts")
    questions = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
    others = []
    for skill in sorted({question["skill"] for question in questions}):
        own = [question for question in questions if question["skill"] == skill]
        lines = [json.dumps({"prompt": question["prompt"]}, ensure_ascii=False) + "\n" for question in own[:count]]
        (out / "experts" / skill / "examples.jsonl").write_text("".join(lines), encoding="utf-8")
        others += own[count:]
    (out / "questions.json").write_text(json.dumps(others, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
