#!/usr/bin/env python3
"""Writes tests/study/data/bootstrap.json: BCa intervals of means of paired differences, computed by Python alone.

The draws are those of draws.py; means are exact fractions rounded once; the normal distribution is that of Python's
statistics module. doc/method.md defines the interval. Nothing of mmneuron is used.

Run as: python3 golden/make_bootstrap.py
"""
import json
import math
import random
from fractions import Fraction
from pathlib import Path
from statistics import NormalDist

from draws import below

FILE = Path(__file__).resolve().parent.parent / "tests" / "study" / "data" / "bootstrap.json"
DRAWS, PURPOSE = 1999, 0x626f6f74
NORMAL = NormalDist()


def interval(differences: list[float], seed: int) -> list[float]:
    exact, count = [Fraction(each) for each in differences], len(differences)
    mean = sum(exact) / count
    means = sorted(sum(exact[below(count, seed, draw, place, PURPOSE)] for place in range(count)) / count
                   for draw in range(DRAWS))
    share = sum(1 if each < mean else Fraction(1, 2) if each == mean else 0 for each in means)
    bias = NORMAL.inv_cdf(float(min(max(share, Fraction(1, 2)), DRAWS - Fraction(1, 2)) / DRAWS))
    squares, cubes = (float(sum((each - mean) ** power for each in exact)) for power in (2, 3))
    acceleration = cubes / (6 * squares ** 1.5) if squares else 0.0
    ends = []
    for probability in (0.025, 0.975):
        shifted = bias + NORMAL.inv_cdf(probability)
        chosen = NORMAL.cdf(bias + shifted / (1 - acceleration * shifted))
        number = max(math.floor(min(chosen, 1 - chosen) * (DRAWS + 1) + 1e-6), 1)
        ends.append(float(means[number - 1] if chosen < 0.5 else means[DRAWS - number]))
    return [float(mean)] + ends


def main() -> None:
    generator = random.Random(15)
    cases = {
        "skewed": [-generator.expovariate(2) for _ in range(40)],
        "mostly nothing": [0.0] * 30 + [-generator.expovariate(1) for _ in range(5)],
        "even": [generator.gauss(0.1, 1) for _ in range(25)],
        "right or wrong": [float(generator.choice((-1, 0, 0, 1, 0))) for _ in range(28)],
        "two": [0.25, -0.5],
        "all the same": [0.125] * 9,
    }
    seeds = (1, 2 ** 40 + 7)
    rows = [{"name": name, "differences": differences, "seed": seed, "interval": interval(differences, seed)}
            for name, differences in cases.items() for seed in seeds]
    FILE.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
    for row in rows:
        print(row["name"], row["seed"], row["interval"])


if __name__ == "__main__":
    main()
