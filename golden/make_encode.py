#!/usr/bin/env python3
"""Writes tests/study/data/encode: features and responses of simulated sites, and what an implementation of the whole
study in Python (NumPy, SciPy, scikit-learn, float64) finds in them.

Sites follow vision, or vision, language and their product, with noise that is correlated over events; the last follows
nothing. Nothing of mmneuron is used.

Run as: python3 golden/make_encode.py
"""
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from scipy.stats import false_discovery_control

from draws import below
from make_encoding import BINS as DRAWN_BINS, EVENTS as DRAWN_EVENTS
from make_ridge import ALPHAS, score

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "study" / "data" / "encode"
EVENTS, BINS, DRAWS, SEED, RATE = 60, 12, 60, 1, 0.05
SITES = ["both 1", "vision 1", "nothing 1"]


def simulate() -> tuple[dict, dict]:
    generator = np.random.default_rng(7)
    vision, language = generator.normal(size=(EVENTS, 2)), generator.normal(size=(EVENTS, 2))
    product = vision * language
    models = {
        "both": {"first": generator.normal(size=(EVENTS, 3)), "last": np.hstack([vision, language, product])},
        "vision": {"first": generator.normal(size=(EVENTS, 2)), "last": vision},
    }
    signals = [3 * vision[:, 0] + 2 * language[:, 0] + product[:, 1], 2 * vision[:, 0] - vision[:, 1], 0 * vision[:, 0]]
    rows = []
    for signal in signals:
        for _ in range(BINS):
            noise = generator.normal(size=EVENTS)
            for event in range(1, EVENTS):
                noise[event] = 0.5 * noise[event - 1] + noise[event]
            rows.append(generator.uniform(0.8, 1.2) * signal + 0.7 * noise)
    return models, {"words": np.array(rows, dtype=np.float32)}


def draw(number: int) -> list[int]:
    return sorted(below(EVENTS, SEED, number, place, DRAWN_EVENTS) for place in range(EVENTS))


def study(layers: dict, y: np.ndarray, sites: list[str] = SITES, draws: int = DRAWS) -> tuple[dict, np.ndarray]:
    x = {name: values.astype(np.float64) for name, values in layers.items()}
    scores = {name: score(values, y) for name, values in x.items()}
    names = sorted(scores)
    means = [np.mean(scores[name]["validation"]) for name in names]
    chosen = names[int(np.argmax(means))]
    best = np.argmax([scores[name]["validation"] for name in names], axis=0)
    drawn = [score(x[chosen][order], y[order]) for order in map(draw, range(draws))]
    test, validation = (np.array([each[key] for each in drawn]) for key in ("test", "validation"))
    columns = []
    for i in range(y.shape[1]):
        low, high = np.quantile(test[:, i], [0.025, 0.975])
        validation_low, validation_high = np.quantile(validation[:, i], [0.025, 0.975])
        columns.append({
            "site": sites[i // BINS], "bin": i % BINS, "r": scores[chosen]["test"][i],
            "penalty": ALPHAS[scores[chosen]["penalty"][i]], "best": names[best[i]], "mean": test[:, i].mean(),
            "low": low, "high": high, "validation": scores[chosen]["validation"][i],
            "validation_low": validation_low, "validation_high": validation_high,
            "predicted": bool(validation_low > 0)})
    return {"layer": chosen, "r": float(np.mean(scores[chosen]["test"])),
            "predicted": sum(each["predicted"] for each in columns),
            "layers": [{"name": name, "width": layers[name].shape[1], "validation": mean,
                        "test": float(np.mean(scores[name]["test"]))} for name, mean in zip(names, means)],
            "columns": columns}, test


def compare(found: dict, first: str, second: str, sites: list[str] = SITES, draws: int = DRAWS, rate: float = RATE) -> dict:
    rows, p = [], []
    for site in range(len(sites)):
        own = slice(site * BINS, (site + 1) * BINS)
        predicted = [np.array([each["predicted"] for each in found[name][0]["columns"][own]]) for name in (first, second)]
        enough, either = [each.sum() >= 10 for each in predicted], np.flatnonzero(predicted[0] | predicted[1])
        row = {"site": sites[site], "bins": len(either), "difference": None, "p": None, "outcome": (
            "compared" if all(enough) else "first alone" if enough[0] else "second alone" if enough[1]
            else "neither is predicted")}
        if all(enough):
            differences = (found[first][1] - found[second][1])[:, own][:, either]
            means = [np.mean([differences[number, below(len(either), SEED, number << 16 | place, site, DRAWN_BINS)]
                              for place in range(len(either))]) for number in range(draws)]
            row |= {"difference": differences.mean(), "p": (1 + sum(each <= 0 for each in means)) / (1 + draws)}
            p.append(row["p"])
        rows.append(row)
    better = iter(false_discovery_control(p) <= rate if p else [])
    for row in rows:
        row["better"] = row["p"] is not None and bool(next(better))
    return {"first": first, "second": second, "compared": len(p), "better": sum(row["better"] for row in rows),
            "by_default": sum(row["outcome"] == "first alone" for row in rows),
            "mean_difference": float(np.mean([row["difference"] for row in rows if row["p"] is not None])) if p else None,
            "compared_sites": rows}


def main() -> None:
    models, responses = simulate()
    models = {name: {layer: values.astype(np.float32) for layer, values in layers.items()}
              for name, layers in models.items()}
    FOLDER.mkdir(exist_ok=True)
    save_file(responses, FOLDER / "responses.safetensors", {"sites": json.dumps(SITES)})
    for name, layers in models.items():
        save_file({f"words/{layer}": values for layer, values in layers.items()}, FOLDER / f"{name}.safetensors")
    y = responses["words"].T.astype(np.float64)
    found = {name: study(layers, y) for name, layers in models.items()}
    alignment = {"alignment": "words", "events": EVENTS, "sites": len(SITES), "bins": BINS,
                 "models": [{"model": name} | found[name][0] for name in models],
                 "comparisons": [compare(found, "both", "vision"), compare(found, "vision", "both")]}
    (FOLDER / "expected.json").write_text(json.dumps({"alignments": [alignment]}, default=float) + "\n")
    for row in alignment["comparisons"]:
        print(json.dumps(row, default=float))


if __name__ == "__main__":
    main()
