#!/usr/bin/env python3
"""Writes rank_cases.json: counts, and what the published ranking makes of them.

An implementation of its own, written from the papers' description: binary64 in plain Python, and
float32 with PyTorch in the order of operations of the published code (LAPE's identify.py, which
MMNeuron took over). Where a case compares entropies, none are closer than 1e-9 (float32: 1e-5)
unless they are of neurons with the same probabilities, so that the last place of a logarithm cannot
decide. Run as: python3 make_rank_cases.py
"""
import json
import math
import random
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent


def rank(active, tokens, rate, bar, assignment_bar):
    neurons = len(active[0])
    domains = range(len(active))
    p = [[active[d][n] / tokens[d] for d in domains] for n in range(neurons)]
    flat = sorted(value for row in p for value in row)
    bar_value = flat[max(round(len(flat) * bar), 1) - 1]
    assignment_value = flat[max(round(len(flat) * assignment_bar), 1) - 1]
    entropies = []
    for n, row in enumerate(p):
        if all(value <= bar_value for value in row):
            continue
        total = math.fsum(row)
        h = -math.fsum(v / total * math.log(v / total) for v in row if v > 0)
        entropies.append((h if h else 0.0, n))
    # Entropies that differ by rounding alone are one.
    entropies.sort(key=lambda pair: (round(pair[0], 12), pair[1]))
    wanted = round(neurons * rate)
    chosen = entropies[:wanted]
    check_gaps([h for h, _ in entropies], 1e-9)
    tied = 0
    cut = round(chosen[-1][0], 12) if chosen else None
    if chosen and len(entropies) > wanted and round(entropies[wanted][0], 12) == cut:
        tied = sum(round(h, 12) == cut for h, _ in entropies)
    return {"bar_value": bar_value, "assignment_value": assignment_value,
            "passed": len(entropies), "ranked": [n for _, n in chosen],
            "entropy": [h for h, _ in chosen], "tied": tied,
            "lists": [sorted(n for _, n in chosen if p[n][d] > assignment_value)
                      for d in domains]}


def check_gaps(entropies, gap):
    values = sorted(entropies)
    for a, b in zip(values, values[1:]):
        assert b - a < 1e-12 or b - a > gap, (a, b)


def rank_float32(active, tokens, rate, bar, assignment_bar):
    """The published code's operations; the order of ties is not taken from it."""
    over_zero = torch.tensor(active).T.contiguous()  # [neurons, domains]
    probabilities = over_zero / torch.tensor(tokens)
    normed = probabilities / probabilities.sum(dim=-1, keepdim=True)
    normed[torch.isnan(normed)] = 0
    logarithms = torch.where(normed > 0, normed.log(), 0)
    entropy = -torch.sum(normed * logarithms, dim=-1)
    flat = probabilities.flatten()
    bar_value = flat.kthvalue(round(len(flat) * bar)).values.item()
    assignment_value = flat.kthvalue(round(len(flat) * assignment_bar)).values.item()
    passed = (probabilities > bar_value).any(dim=-1)
    pairs = sorted((entropy[n].item(), n) for n in range(len(passed)) if passed[n])
    values = [h for h, _ in pairs]
    check_gaps([h for h in values if h > 1e-6], 1e-5)
    wanted = round(len(entropy) * rate)
    chosen = pairs[:wanted]
    return {"bar_value": bar_value, "assignment_value": assignment_value,
            "passed": len(pairs), "ranked": [n for _, n in chosen],
            "entropy": [h for h, _ in chosen], "tied": 0,
            "lists": [sorted(n for _, n in chosen if probabilities[n][d] > assignment_value)
                      for d in range(len(active))]}


def random_counts(generator, neurons, tokens, silent=0.3):
    """Counts with zeros, since most neurons of a model are silent in some domain."""
    return [[0 if generator.random() < silent else
             int(count * generator.random() ** 3) for _ in range(neurons)] for count in tokens]


def make_cases():
    generator = random.Random(20240617)
    tokens = [5123, 4999, 6007, 100, 7919]
    cases = []

    def add(name, active, tokens, rate=0.01, bar=0.95, assignment_bar=None, float32=False):
        assignment_bar = bar if assignment_bar is None else assignment_bar
        function = rank_float32 if float32 else rank
        cases.append({"name": name, "tokens": tokens, "active": active, "rate": rate, "bar": bar,
                      "assignment_bar": assignment_bar, "float32": float32,
                      "expected": function(active, tokens, rate, bar, assignment_bar)})

    add("five domains", random_counts(generator, 300, tokens), tokens, rate=0.05)
    add("two bars", random_counts(generator, 200, tokens), tokens, rate=0.1, bar=0.8,
        assignment_bar=0.9)
    # Many neurons that are active in a single domain: entropy 0, and more of them than selected.
    single = [[0] * 100 for _ in tokens]
    for n in range(100):
        single[n % 5][n] = tokens[n % 5] * (50 + n // 5) // 100
    add("ties at zero", single, tokens, rate=0.07, bar=0.9)
    # The same counts in every domain: every entropy is ln 2.
    equal = [[7 * (n + 1) for n in range(40)]] * 2
    add("ties at the largest", equal, [1000, 1000], rate=0.1, bar=0.5)
    add("all silent", [[0] * 50, [0] * 50], [10, 20])
    # p equal to the bar is not above it: only one value, so nobody passes.
    add("all at the bar", [[5] * 20, [10] * 20], [10, 20])
    # 0.05 * 50 and 0.07 * 50 end in .5: Python rounds ties to even, 2 and 4; 0.45 * 10 = 4.5 -> 4.
    counts = random_counts(generator, 50, [997, 1009], silent=0.1)
    add("rate at one half, down", counts, [997, 1009], rate=0.05, bar=0.5)
    add("rate at one half, up", counts, [997, 1009], rate=0.07, bar=0.5)
    add("bar at one half", random_counts(generator, 5, [997, 1009], silent=0), [997, 1009],
        rate=0.4, bar=0.45)
    add("one domain", [[n * 3 for n in range(60)]], [200], rate=0.05)
    add("fewer pass than wanted", random_counts(generator, 100, tokens), tokens, rate=0.5,
        bar=0.98)
    add("float32", random_counts(generator, 120, tokens[:3], silent=0.05), tokens[:3], rate=0.1,
        bar=0.9, float32=True)
    big = [16777217, 33554433, 50331651]  # not exact in float32
    add("float32, large counts", random_counts(generator, 80, big, silent=0.05), big, rate=0.1,
        bar=0.9, float32=True)
    return cases


def main():
    text = ",\n".join(json.dumps(case) for case in make_cases())
    (HERE / "rank_cases.json").write_text(f"[{text}]\n")


if __name__ == "__main__":
    main()
