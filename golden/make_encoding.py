#!/usr/bin/env python3
"""Writes tests/study/data/encoding.json: draws, intervals, comparisons of sites, discoveries and projections, computed
by NumPy, SciPy and scikit-learn in float64.

Draws are those of draws.py. Nothing of mmneuron is used.

Run as: python3 golden/make_encoding.py
"""
import json
from pathlib import Path

import numpy as np
from scipy.stats import false_discovery_control
from sklearn.random_projection import johnson_lindenstrauss_min_dim

from draws import below, philox

FILE = Path(__file__).resolve().parent.parent / "tests" / "study" / "data" / "encoding.json"
EVENTS, BINS, PROJECTION = 0x656E6576, 0x656E6269, 0x656E7072


def comparison(generator: np.random.Generator, better: float, counts: tuple[int, int], seed: int) -> dict:
    bins, draws, site = 14, 19, 3
    first, second = (np.round(generator.normal(size=(bins, draws)), 3) for _ in range(2))
    first += better
    predicted = [np.isin(np.arange(bins), generator.choice(bins, count, replace=False)) for count in counts]
    row = {"seed": seed, "site": site, "bins": bins, "draws": draws, "first": first.ravel().tolist(),
           "second": second.ravel().tolist(), "predicted": [each.astype(int).tolist() for each in predicted]}
    if min(counts) < 10:
        return row | {"difference": None, "p": None}
    either = np.flatnonzero(predicted[0] | predicted[1])
    differences = (first - second)[either]
    drawn = [np.mean([differences[below(len(either), seed, draw << 16 | place, site, BINS), draw]
                      for place in range(len(either))]) for draw in range(draws)]
    return row | {"difference": float(differences.mean()), "p": (1 + sum(each <= 0 for each in drawn)) / (1 + draws)}


def projection(x: np.ndarray, dimension: int, seed: int) -> np.ndarray:
    features, limit = x.shape[1], int(2 ** 31 / np.sqrt(x.shape[1]))
    matrix = np.zeros((features, dimension))
    for feature in range(features):
        for component in range(dimension):
            word = philox([feature, component // 4, 0, PROJECTION], [seed & 0xFFFFFFFF, seed >> 32])[component % 4]
            if word >> 1 < limit:
                matrix[feature, component] = -1 if word & 1 else 1
    return x @ matrix * np.sqrt(np.sqrt(features) / dimension)


def main() -> None:
    generator = np.random.default_rng(18)
    scores = [np.round(generator.normal(size=count), 4) for count in (1, 2, 41, 100)]
    p = [np.round(generator.uniform(size=30) ** 4, 4), np.array([0.05, 0.04, 0.03]), np.array([0.9, 0.2])]
    x = np.round(generator.normal(size=(5, 70)), 3)
    FILE.write_text(json.dumps({
        "draws": [{"events": events, "seed": seed, "draw": draw,
                   "drawn": sorted(below(events, seed, draw, place, EVENTS) for place in range(events))}
                  for events, seed, draw in ((30, 1, 0), (41, 2 ** 35 + 3, 7))],
        "intervals": [{"scores": each.tolist(), "interval": [each.mean(), *np.quantile(each, [0.025, 0.975])]}
                      for each in scores],
        "comparisons": [comparison(generator, better, counts, 5)
                        for better, counts in ((0.0, (11, 12)), (0.3, (14, 10)), (1.0, (10, 10)), (0.1, (9, 12)))],
        "discoveries": [{"p": each.tolist(), "found": (false_discovery_control(each) <= 0.05).astype(int).tolist()}
                        for each in p],
        "dimensions": [[events, epsilon, int(johnson_lindenstrauss_min_dim(events, eps=epsilon))]
                       for events, epsilon in ((6070, 0.1), (100, 0.5), (17, 0.3))],
        "projection": {"x": x.ravel().tolist(), "events": 5, "features": 70, "dimension": 11, "seed": 9,
                       "projected": projection(x, 11, 9).ravel().tolist()}}) + "\n")


if __name__ == "__main__":
    main()
