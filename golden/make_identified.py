#!/usr/bin/env python3
"""Writes golden/identified.json: in which of five languages short pieces of text are, by byte models of Python's own.

Learned from models/five-languages/text/count, tried on pieces of text/test of several lengths in characters. A byte's
probability is interpolated over the 0 to 3 bytes before it by Witten and Bell's rule; logarithms are summed in float64.
Nothing of mmneuron is used.

Run as: python3 golden/make_identified.py   (a minute; needs Python alone)
"""
import json
import math
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEXTS = HERE.parent / "models" / "five-languages" / "text"
LANGUAGES, ORDER = ("de", "en", "es", "fr", "ja"), 4
LENGTHS, KEPT = (5, 10, 20, 40, 80, 160), 12


class Language:
    def __init__(self, text: bytes):
        self.counts, self.totals, self.kinds = Counter(), Counter(), Counter()
        for size in range(1, ORDER + 1):
            self.counts.update(text[i:i + size] for i in range(len(text) - size + 1))
        for gram, count in self.counts.items():
            self.totals[gram[:-1]] += count
            self.kinds[gram[:-1]] += 1

    def probability(self, before: bytes, byte: bytes) -> float:
        p = 1 / 256
        for size in range(len(before) + 1):
            context = before[len(before) - size:]
            if context not in self.totals:
                break
            p = (self.counts[context + byte] + self.kinds[context] * p) / (self.totals[context] + self.kinds[context])
        return p

    def log_likelihood(self, text: bytes) -> float:
        return sum(math.log(self.probability(text[max(0, i - ORDER + 1):i], text[i:i + 1])) for i in range(len(text)))


def pieces(text: str, length: int) -> list[tuple[int, bytes]]:
    """Pieces that are letters for at least a half, and at which byte of the text each begins."""
    found = []
    for start in range(0, len(text) - length, length):
        cut = text[start:start + length]
        piece = cut.strip()
        if sum(map(str.isalpha, piece)) >= length / 2:
            before = text[:start] + cut[:len(cut) - len(cut.lstrip())]
            found.append((len(before.encode()), piece.encode()))
    return found


def main() -> None:
    models = {name: Language((TEXTS / "count" / f"{name}.txt").read_bytes()) for name in LANGUAGES}
    tried, shares = [], {}
    for length in LENGTHS:
        right = []
        for name in LANGUAGES:
            text = (TEXTS / "test" / f"{name}.txt").read_text(encoding="utf-8").replace("\n", " ")
            for number, (start, piece) in enumerate(pieces(text, length)):
                scores = {each: model.log_likelihood(piece) for each, model in models.items()}
                found = max(scores, key=scores.__getitem__)
                right.append(found == name)
                if number < KEPT:
                    tried.append({"of": name, "start": start, "bytes": len(piece), "found": found})
        shares[length] = {"pieces": len(right), "right": sum(right)}
    (HERE / "identified.json").write_text(
        json.dumps({"shares": shares, "pieces": tried}) + "\n")
    for length, share in shares.items():
        print(length, share["pieces"], share["right"] / share["pieces"])


if __name__ == "__main__":
    main()
