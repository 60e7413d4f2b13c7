#!/usr/bin/env python3
"""Writes BUNDLE/prompts.jsonl: beginnings of lines of the five-language model's test texts, for the model to go on from.

Of each language the first COUNT lines that are long enough, each cut behind the first word end from LENGTH characters on
(Japanese, which has no spaces between words, behind that many). What is asked of a line is its language.

Run as: python3 training/languages/prompts.py BUNDLE
"""
import json
import sys
from pathlib import Path

COUNT, LENGTH, LONG = 20, {"ja": 12}, 24


def beginnings(text: str, length: int) -> list[str]:
    found = []
    for line in text.splitlines():
        end = line.find(" ", length) if length == LONG else length
        if len(line) >= 2 * length and end > 0 and line[0].isalpha() and line[:end] not in found:
            found.append(line[:end])
    return found[:COUNT]


def main() -> None:
    bundle = Path(sys.argv[1])
    with open(bundle / "prompts.jsonl", "w", encoding="utf-8") as stream:
        for line in (bundle / "test.jsonl").read_text(encoding="utf-8").splitlines():
            sample = json.loads(line)
            text, name = (bundle / sample["text_file"]).read_text(encoding="utf-8"), sample["domain"]
            for number, prompt in enumerate(beginnings(text, LENGTH.get(name, LONG))):
                stream.write(json.dumps({"id": f"{name}-{number:02}", "domain": name, "prompt": prompt,
                                         "metric": "language"}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
