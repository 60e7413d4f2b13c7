#!/usr/bin/env python3
"""Writes the bundle's texts: from the training split what neurons are counted over, from the test split what
perplexities are measured on, each language as many bytes; and the two lists that name them.

A language's excerpt is four stretches of whole paragraphs, from the beginning of each quarter of its text.

Run as: python3 excerpts.py TEXT BUNDLE
"""
import json
import sys
from pathlib import Path

from text import LANGUAGES

SIZES = {"count": ("train", 60000), "test": ("test", 10000)}  # bytes of a language, at most
STRETCHES = 4


def excerpt(paragraphs: list[str], size: int) -> str:
    kept, used = [], 0
    for stretch in range(STRETCHES):
        for text in paragraphs[len(paragraphs) * stretch // STRETCHES:]:
            length = len(text.encode()) + 1
            if used + length > size * (stretch + 1) // STRETCHES:
                break
            used += length
            kept.append(text)
    return "".join(f"{text}\n" for text in kept)


def main() -> None:
    source, bundle = Path(sys.argv[1]), Path(sys.argv[2])
    for name, (split, size) in SIZES.items():
        (bundle / "text" / name).mkdir(parents=True, exist_ok=True)
        with (bundle / f"{name}.jsonl").open("w", encoding="utf-8") as samples:
            for language in LANGUAGES:
                paragraphs = (source / split / f"{language}.txt").read_text(encoding="utf-8").splitlines()
                text = excerpt(paragraphs, size)
                file = f"text/{name}/{language}.txt"
                (bundle / file).write_text(text, encoding="utf-8")
                samples.write(json.dumps({"id": f"{name}-{language}", "domain": language, "text_file": file}) + "\n")
                print(f"{file}: {len(text.encode())} bytes, {len(text)} characters")


if __name__ == "__main__":
    main()
