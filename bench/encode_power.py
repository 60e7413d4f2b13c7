#!/usr/bin/env python3
"""Of simulated recordings, how many truly multimodal sites `mmneuron encode` finds (power), and what share of those that
it finds are not (false discoveries), with the Monte Carlo errors of their means.

Each simulation (golden/make_recordings.py) has another seed. What passes by default, where only one network predicts
enough, is counted apart.

Run as: python3 bench/encode_power.py PROGRAM [--simulations N] [--draws N] [--sites KIND=N ...] [--jobs N]
"""
import argparse
import concurrent.futures
import functools
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "golden"))
import make_recordings  # noqa: E402

NETWORKS = ("vision", "language", "multimodal", "control")
ROLES = ("vision=vision", "language=language", "multimodal=multimodal", "control=control:multimodal")
# The kinds of sites that a test is to find. The control sees vision alone, so that language suffices to beat it.
TRUE = {"multimodal": {"multimodal", "linear"}, "controlled": {"multimodal", "linear", "language"},
        "integration": {"multimodal"}}


def simulate(options: argparse.Namespace, number: int) -> dict:
    """Of each test the sites that pass, those of them that should not, those that should, and the wins by default."""
    with tempfile.TemporaryDirectory() as folder:
        make_recordings.write(Path(folder), number, options.sites, options.events, options.bins, options.noise)
        truth = json.loads((Path(folder) / "truth.json").read_text())
        subprocess.run(
            [options.program, "encode", f"{folder}/responses.safetensors", "-o", f"{folder}/encode.json", "--quiet",
             "--draws", str(options.draws), "--threads", "1", "--rate", str(options.rate),
             *(f"--features={name}={folder}/{name}.safetensors" for name in NETWORKS),
             *(f"--role={role}" for role in ROLES), "--join", "joined=vision+language"],
            check=True, stdout=subprocess.DEVNULL)
        found = json.loads((Path(folder) / "encode.json").read_text())
    counts = {}
    for test in found["tests"]:
        wanted = TRUE[test["test"]]
        passed = [truth[site["site"]] in wanted for site in test["tested_sites"] if site["passes"]]
        alone = [truth[site["site"]] in wanted for site in test["tested_sites"] if site["outcome"] == "first alone"]
        counts[test["test"], test["aligned"] or "both"] = {
            "passed": len(passed), "false": passed.count(False), "wanted": sum(kind in wanted for kind in truth.values()),
            "alone": len(alone), "false alone": alone.count(False)}
    return counts


def mean(values: list[float]) -> str:
    average = sum(values) / len(values)
    variance = sum((value - average) ** 2 for value in values) / max(1, len(values) - 1)
    return f"{average:.3f} ± {math.sqrt(variance / len(values)):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--simulations", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--draws", type=int, default=250)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--events", type=int, default=make_recordings.EVENTS)
    parser.add_argument("--bins", type=int, default=make_recordings.BINS)
    parser.add_argument("--noise", type=float, default=make_recordings.NOISE)
    parser.add_argument("--sites", action="append", metavar="KIND=N")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    options.sites = {kind: int(count) for kind, _, count in (each.partition("=") for each in options.sites or [])} \
        or make_recordings.SITES
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        seeds = range(options.first_seed, options.first_seed + options.simulations)
        found = list(pool.map(functools.partial(simulate, options), seeds))
    print(f"{options.simulations} simulations, {sum(options.sites.values())} sites {options.sites}, {options.events} events, "
          f"{options.bins} bins, {options.draws} draws, rate {options.rate}")
    print("| test | alignment | power | false discoveries | passed | by default | of these false |\n| --- | --- | --- | --- | --- | --- | --- |")
    for test, alignment in found[0]:
        rows = [counts[test, alignment] for counts in found]
        power = mean([(row["passed"] - row["false"]) / row["wanted"] for row in rows if row["wanted"]])
        false = mean([row["false"] / max(1, row["passed"]) for row in rows])
        passed, alone, false_alone = (sum(row[key] for row in rows) for key in ("passed", "alone", "false alone"))
        print(f"| {test} | {alignment} | {power} | {false} | {passed} | {alone} | {false_alone} |")


if __name__ == "__main__":
    main()
