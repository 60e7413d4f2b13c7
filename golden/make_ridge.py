#!/usr/bin/env python3
"""Writes tests/study/data/ridge.json: scores of ridge regressions in folds, computed by scikit-learn in float64.

Numbers are Philox's (draws.py), so that the file needs to hold none: value (row, column) of an array is what
`values` says. Nothing of mmneuron is used.

Run as: python3 golden/make_ridge.py
"""
import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from draws import below, philox

FILE = Path(__file__).resolve().parent.parent / "tests" / "study" / "data" / "ridge.json"
FOLDS, ALPHAS = 5, [10.0 ** power for power in range(-1, 6)]
FEATURES, RESPONSES, DRAWS = 1, 2, 3

# name, events, features, columns, how far features are from 0, the features that are constant, whether events are drawn
CASES = [
    ("few features", 47, 6, 3, 0, 0, False),
    ("drawn events", 53, 7, 4, 0, 0, True),
    ("more features than events", 30, 41, 3, 0, 0, False),
    ("more features than drawn events", 33, 40, 3, 0, 0, True),
    ("far from zero", 60, 9, 2, 1000, 0, True),
    ("constant features", 41, 8, 3, 0, 2, True),
    ("constant, and more than events", 26, 30, 2, 0, 3, True),
    ("several blocks", 400, 150, 5, 0, 0, True),
]


def values(rows: int, columns: int, purpose: int) -> np.ndarray:
    return np.array([[philox([row, column, 0, purpose], [rows, 0])[0] * 2.0 ** -31 - 1 for column in range(columns)]
                     for row in range(rows)])


def r(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


def score(x: np.ndarray, y: np.ndarray) -> dict:
    validation, test = (np.zeros((len(ALPHAS), y.shape[1])) for _ in range(2))
    for held in np.array_split(np.arange(len(x)), FOLDS):
        training = np.setdiff1d(np.arange(len(x)), held)
        scaler = StandardScaler().fit(x[training])
        extended = [np.hstack([np.ones((len(rows), 1)), scaler.transform(x[rows])])
                    for rows in (training, held[:len(held) // 2], held[len(held) // 2:])]
        for i, alpha in enumerate(ALPHAS):
            ridge = Ridge(alpha=alpha, fit_intercept=False, solver="cholesky").fit(extended[0], y[training])
            for sums, rows, features in ((validation, held[:len(held) // 2], extended[1]),
                                         (test, held[len(held) // 2:], extended[2])):
                predicted = ridge.predict(features)
                sums[i] += [r(predicted[:, column], y[rows, column]) / FOLDS for column in range(y.shape[1])]
    best = np.argmax(validation, axis=0)
    columns = np.arange(y.shape[1])
    return {"penalty": best.tolist(), "validation": validation[best, columns].tolist(),
            "test": test[best, columns].tolist()}


def main() -> None:
    rows = []
    for name, events, features, columns, offset, constant, drawn in CASES:
        x, y = values(events, features, FEATURES) + offset, values(events, columns, RESPONSES)
        for column in range(columns):
            y[:, column] += 0.5 * column * (x[:, column + constant] - offset)
        x[:, :constant] = 0.1
        if constant > 1:
            x[-events // 10:, 0] = 0.7
        order = sorted(below(events, events, 0, place, DRAWS) for place in range(events)) if drawn else range(events)
        order = list(order)
        rows.append({"name": name, "events": events, "features": features, "columns": columns, "offset": offset,
                     "constant": constant, "order": order} | score(x[order], y[order]))
    FILE.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


if __name__ == "__main__":
    main()
