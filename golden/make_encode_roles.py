#!/usr/bin/env python3
"""Writes tests/study/data/encode-roles: simulated recordings of two alignments, features of networks that have roles, and
the comparisons and tests that follow, by an implementation in Python (NumPy, SciPy, scikit-learn, float64).

Nothing of mmneuron is used.

Run as: python3 golden/make_encode_roles.py
"""
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from scipy.stats import false_discovery_control

from make_encode import BINS, EVENTS, compare, study
from make_recordings import ALIGNMENTS, simulate_events

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "study" / "data" / "encode-roles"
KINDS = ["multimodal", "linear", "vision", "nothing"]
DRAWS, RATE = 20, 0.2
UNIMODAL, JOINED = ["vision", "language"], "joined"
# In the order of mmneuron: what was asked for, then each model's in the order of models.
PAIRS = [("control", "multimodal"), ("multimodal", "vision"), ("multimodal", "language"), ("multimodal", "control"),
         ("multimodal", "random"), ("random", "multimodal"), ("multimodal", JOINED)]
TESTS = {"multimodal": UNIMODAL, "controlled": ["control"], "integration": [*UNIMODAL, JOINED]}


def verdict(comparisons: list[dict]) -> dict:
    """Of comparisons that must all be won."""
    outcomes = [each["outcome"] for each in comparisons]
    for lost in ("second alone", "neither is predicted"):
        if lost in outcomes:
            return {"outcome": lost, "p": None}
    p = [each["p"] for each in comparisons if each["p"] is not None]
    return {"outcome": "compared", "p": max(p)} if p else {"outcome": "first alone", "p": None}


def describe(name: str, alignment: str | None, verdicts: list[dict]) -> dict:
    p = [each["p"] for each in verdicts if each["p"] is not None]
    found = iter(false_discovery_control(p) <= RATE if p else [])
    sites = [{"site": kind, **each, "passes": each["p"] is not None and bool(next(found))}
             for kind, each in zip(KINDS, verdicts)]
    passed, alone = sum(each["passes"] for each in sites), sum(each["outcome"] == "first alone" for each in sites)
    return {"test": name, "aligned": alignment, "tested": len(p), "passed": passed, "share": passed / len(sites),
            "by_default": alone, "share_by_default": alone / len(sites), "tested_sites": sites}


def main() -> None:
    generator = np.random.Generator(np.random.Philox(3))
    features, responses, alignments, compared = {}, {}, [], {}
    for alignment in ALIGNMENTS:
        made, responses[alignment] = simulate_events(generator, KINDS, EVENTS, BINS, 0.7)
        y = responses[alignment].T.astype(np.float64)
        found = {}
        for name, last in made.items():
            layers = {"first": generator.normal(size=(EVENTS, 2)).astype(np.float32), "last": last}
            features.setdefault(name, {}).update({f"{alignment}/{layer}": values for layer, values in layers.items()})
            found[name] = study(layers, y, KINDS, DRAWS)
            made[name] = layers[found[name][0]["layer"]]
        layer = " + ".join(f"{name}/{found[name][0]['layer']}" for name in UNIMODAL)
        found[JOINED] = study({layer: np.hstack([made[name] for name in UNIMODAL])}, y, KINDS, DRAWS)
        compared[alignment] = [compare(found, *pair, KINDS, DRAWS, RATE) for pair in PAIRS]
        models = [{"model": name} | {key: value for key, value in found[name][0].items() if key != "columns"}
                  for name in ("vision", "language", "multimodal", "control", "random", JOINED)]
        alignments.append({"alignment": alignment, "models": models, "comparisons": compared[alignment]})
    tests = []
    for name, seconds in TESTS.items():
        of = {alignment: [verdict([each["compared_sites"][site] for each in compared[alignment]
                                   if each["first"] == "multimodal" and each["second"] in seconds])
                          for site in range(len(KINDS))] for alignment in ALIGNMENTS}
        tests += [describe(name, alignment, of[alignment]) for alignment in ALIGNMENTS]
        tests.append(describe(name, None, [verdict([of[alignment][site] for alignment in ALIGNMENTS])
                                           for site in range(len(KINDS))]))
    FOLDER.mkdir(exist_ok=True)
    save_file(responses, FOLDER / "responses.safetensors", {"sites": json.dumps(KINDS)})
    for name, layers in features.items():
        save_file(layers, FOLDER / f"{name}.safetensors")
    (FOLDER / "expected.json").write_text(json.dumps({"alignments": alignments, "tests": tests}, default=float) + "\n")
    for test in tests:
        print(json.dumps(test))


if __name__ == "__main__":
    main()
