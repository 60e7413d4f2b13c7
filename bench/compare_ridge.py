#!/usr/bin/env python3
"""Compares regressions of recordings with NumPy's and scikit-learn's on the same draws, in turn.

    compare_ridge.py [--program bench/ridge] [--events N] [--features N] [--columns N] [--rounds N]
                     [--draws N] [--threads N] [--simd NAME] [--without scikit-learn]

A draw is all that `mmneuron encode` does for it: standardised features, five folds, seven penalties, r of half a fold
to choose the penalty of each column, and of the other half. All must agree to 1e-10. NumPy does it in two ways, with
every saving that ours has: a drawn event's copies are one row, a fold's Gram matrix serves the other four, and test
predictions are made for the chosen penalty alone; equations are solved by eigenvectors, once for all penalties, or by
Cholesky for each. scikit-learn is StandardScaler and Ridge (solver "cholesky") for each fold and penalty. A round is so
many draws, which ours may share among threads; seconds are of one draw. With one thread the processors' seconds compare
fairly on a busy machine; with more, those of OpenBLAS include its waiting.
"""

import argparse
import os
import pathlib
import resource
import subprocess
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--program", default="bench/ridge")
parser.add_argument("--events", type=int, default=6000)
parser.add_argument("--features", type=int, default=768)
parser.add_argument("--columns", type=int, default=161)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--draws", type=int, default=2)
parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
parser.add_argument("--simd")
parser.add_argument("--without", action="append", default=[])
arguments = parser.parse_args()
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # read by libraries when they are loaded
    os.environ[name] = str(arguments.threads)

import numpy as np  # noqa: E402
import scipy  # noqa: E402
import sklearn  # noqa: E402
from scipy.linalg import cho_factor, cho_solve, eigh  # noqa: E402
from sklearn.linear_model import Ridge  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from contestants import text  # noqa: E402

FOLDS, PENALTIES = 5, [10.0 ** power for power in range(-1, 6)]


def correlations(predicted, y, counts):
    """r of each column of predictions [..., rows, columns] with the responses."""
    weights = counts[:, None] / counts.sum()
    a = predicted - (weights * predicted).sum(-2, keepdims=True)
    b = y - (weights * y).sum(0)
    products = np.sqrt((weights * a * a).sum(-2) * (weights * b * b).sum(0))
    return np.divide((weights * a * b).sum(-2), products, out=np.zeros_like(products), where=products > 0)


def halves(drawn):
    """The places of each fold's halves."""
    return [(held[:len(held) // 2], held[len(held) // 2:]) for held in np.array_split(np.arange(len(drawn)), FOLDS)]


def scores(validation, test):
    """r for the penalties that validate best, given [folds, penalties, columns] and what makes test r of those."""
    mean = sum(validation) / FOLDS
    best = np.argmax(mean, axis=0)
    return mean[best, np.arange(len(best))], sum(test(fold, best) for fold in range(FOLDS)) / FOLDS


def by_eigenvectors(gram, right):
    values, vectors = eigh(gram, driver="evd", overwrite_a=True, check_finite=False)
    right = vectors.T @ right
    return vectors, np.concatenate([right / (values + penalty)[:, None] for penalty in PENALTIES], axis=1)


def by_cholesky(gram, right):
    solved = []
    for penalty in PENALTIES:
        shifted = gram.copy()
        shifted[np.diag_indices_from(shifted)] += penalty
        solved.append(cho_solve(cho_factor(shifted, overwrite_a=True, check_finite=False), right, check_finite=False))
    return None, np.concatenate(solved, axis=1)


def numpy_draw(x, y, drawn, solve):
    parts, sums = [], []
    for fold in halves(drawn):
        rows = [np.unique(drawn[half], return_counts=True) for half in fold]
        events, counts = (np.concatenate(arrays) for arrays in zip(*rows))
        roots = np.sqrt(counts)[:, None]
        xs, ys = x[events], y[events]
        weighted_x, weighted_y = roots * xs, roots * ys
        parts.append((xs, ys, counts.astype(float), len(rows[0][0])))
        sums.append((counts.sum(), counts @ xs, counts @ ys, weighted_x.T @ weighted_x, weighted_x.T @ weighted_y))
    validation, solutions = [], []
    for out, (xs, ys, counts, half) in enumerate(parts):
        training = [part for fold, part in enumerate(sums) if fold != out]
        number, x_sum, y_sum, gram, cross = (sum(values) for values in zip(*training))
        mean = x_sum / number
        deviation = np.sqrt(np.diagonal(gram) / number - mean * mean)
        gram = (gram - np.outer(x_sum, mean)) / np.outer(deviation, deviation)
        right = (cross - np.outer(mean, y_sum)) / deviation[:, None]
        vectors, solved = solve(gram, right)
        held = (xs - mean) / deviation
        if vectors is not None:
            held = held @ vectors
        predicted = (held[:half] @ solved).reshape(half, len(PENALTIES), -1).transpose(1, 0, 2)
        validation.append(correlations(predicted, ys[:half], counts[:half]))
        solutions.append((held[half:], solved.reshape(len(solved), len(PENALTIES), -1)))

    def test(fold, best):
        held, solved = solutions[fold]
        _, ys, counts, half = parts[fold]
        return correlations(held @ solved[:, best, np.arange(len(best))], ys[half:], counts[half:])
    return scores(validation, test)


def sklearn_draw(x, y, drawn):
    x, y = x[drawn], y[drawn]
    validation, tests = [], []
    for fold in halves(drawn):
        training = np.delete(np.arange(len(x)), np.concatenate(fold))
        scaler = StandardScaler().fit(x[training])
        features = scaler.transform(x[training])
        validation.append([])
        tests.append([])
        for penalty in PENALTIES:
            ridge = Ridge(alpha=penalty, fit_intercept=False, solver="cholesky").fit(features, y[training])
            for kept, half in ((validation, fold[0]), (tests, fold[1])):
                kept[-1].append(correlations(ridge.predict(scaler.transform(x[half])), y[half], np.ones(len(half))))
    return scores(np.array(validation), lambda fold, best: np.array(tests[fold])[best, np.arange(len(best))])


class Ours:
    def __init__(self, folder):
        options = ["--threads", str(arguments.threads)] + (["--simd", arguments.simd] if arguments.simd else [])
        sizes = [str(size) for size in (arguments.events, arguments.features, arguments.columns)]
        self.folder = folder
        self.process = subprocess.Popen([arguments.program, *options, str(folder), *sizes], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, first):
        self.process.stdin.write(f"{first} {arguments.draws}\n")
        self.process.stdin.flush()
        wall, used = (float(seconds) for seconds in self.process.stdout.readline().split())
        found = np.fromfile(self.folder / "scores").reshape(arguments.draws, 2, arguments.columns)
        return wall / arguments.draws, used / arguments.draws, found


def timed(function, drawn):
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = np.array([function(draw) for draw in drawn])
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall / len(drawn), used / len(drawn), found


def main():
    random = np.random.default_rng(0)
    x = random.standard_normal((arguments.events, arguments.features))
    y = random.standard_normal((arguments.events, arguments.columns)) + 0.1 * x[:, :1]
    draws = arguments.draws * (arguments.rounds + 1)
    drawn = np.sort(random.integers(arguments.events, size=(draws, arguments.events)), axis=1)
    contestants = {"NumPy, eigenvectors": lambda draw: numpy_draw(x, y, draw, by_eigenvectors),
                   "NumPy, Cholesky": lambda draw: numpy_draw(x, y, draw, by_cholesky),
                   "scikit-learn": lambda draw: sklearn_draw(x, y, draw)}
    times = {name: [] for name in ["mmneuron", *contestants] if name not in arguments.without}
    with tempfile.TemporaryDirectory() as folder:
        for name, values in (("x", x), ("y", y), ("drawn", drawn.astype(np.uint32))):
            values.tofile(pathlib.Path(folder, name))
        ours = Ours(pathlib.Path(folder))
        for first in range(0, draws, arguments.draws):
            for name in times:
                wall, used, found = (ours.run(first) if name == "mmneuron" else
                                     timed(contestants[name], drawn[first:first + arguments.draws]))
                expected = found if name == "mmneuron" else expected
                if np.abs(found - expected).max() > 1e-10:
                    raise SystemExit(f"{name} differs by {np.abs(found - expected).max()}")
                if first > 0:
                    times[name].append((wall, used))
        ours.process.stdin.close()
        ours.process.wait()
    print(f"{arguments.events} events, {arguments.features} features, {arguments.columns} columns; "
          f"{arguments.threads} threads; NumPy {np.__version__}, SciPy {scipy.__version__}, "
          f"scikit-learn {sklearn.__version__}.\n")
    print(f"| | seconds of a draw: min / median / max of {arguments.rounds} | of the processors "
          "| of the processors, times mmneuron's |"
          "\n| --- | --- | --- | --- |")
    for name, seconds in times.items():
        ratios = [their[1] / our[1] for their, our in zip(seconds, times["mmneuron"])]
        wall, used = (text(values, "%.3f") for values in zip(*seconds))
        print(f"| {name} | {wall} | {used} | {text(ratios, '%.2f')} |")


if __name__ == "__main__":
    main()
