#!/usr/bin/env python3
"""Simulates recordings whose answers are known: features of five networks, responses of sites to events, and what
drives each site, in the files that `mmneuron encode` reads.

Events have vision, language and their product, of a few dimensions each, which change slowly from event to event. A
site follows a stated mixture of the three, in every bin of time with another gain, and noise that its bins share in part
and that is correlated over events. Networks see some of the three, mixed by a rotation, and fill up with noise:

    vision      vision                      and half as much noise
    language    language                    and half as much noise: joined with vision, as wide as multimodal
    multimodal  vision, language, product
    control     vision                      and noise: as wide as multimodal
    random      noise alone:                as wide as multimodal

so that whoever sees nothing more of what drives a site has no advantage of width. Nothing of mmneuron is used.

Run as: python3 golden/make_recordings.py FOLDER [--seed N] [--events N] [--bins N] [--noise S] [--sites KIND=N ...]
"""
import argparse
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

ALIGNMENTS = ("language", "vision")  # events: onsets of words, cuts between scenes
# How much of vision, language and their product drives a site of each kind.
MIXTURES = {"multimodal": (1, 1, 1), "linear": (1, 1, 0), "vision": (1, 0, 0), "language": (0, 1, 0),
            "nothing": (0, 0, 0)}
SITES = {"multimodal": 2, "linear": 2, "vision": 8, "language": 6, "nothing": 2}
EVENTS, BINS, DIMENSIONS, NOISE, PERSISTENCE = 120, 11, 2, 1.2, 0.4


def persistent(generator: np.random.Generator, shape: tuple) -> np.ndarray:
    """Standard normal numbers [events, ...] of which a share stays from event to event (a process AR(1))."""
    values = generator.normal(size=shape)
    for event in range(1, len(values)):
        values[event] = PERSISTENCE * values[event - 1] + np.sqrt(1 - PERSISTENCE ** 2) * values[event]
    return values


def rotated(generator: np.random.Generator, features: np.ndarray) -> np.ndarray:
    rotation, _ = np.linalg.qr(generator.normal(size=(features.shape[1],) * 2))
    return (features @ rotation).astype(np.float32)


def simulate_events(generator: np.random.Generator, kinds: list[str], events: int, bins: int, noise: float):
    """Features of each network [events, features], and responses [sites times bins, events]."""
    vision, language = (persistent(generator, (events, DIMENSIONS)) for _ in range(2))
    product = vision * language

    def filled(*parts: np.ndarray, width: int) -> np.ndarray:
        seen = np.hstack([np.zeros((events, 0)), *parts])
        return rotated(generator, np.hstack([seen, persistent(generator, (events, width - seen.shape[1]))]))

    width = 3 * DIMENSIONS
    features = {"vision": filled(vision, width=width // 2), "language": filled(language, width=width // 2),
                "multimodal": filled(vision, language, product, width=width), "control": filled(vision, width=width),
                "random": filled(width=width)}
    rows = []
    for kind in kinds:
        signal = np.zeros(events)
        for share, source in zip(MIXTURES[kind], (vision, language, product)):
            weights = generator.normal(size=DIMENSIONS)
            signal += share * source @ (weights / np.linalg.norm(weights))
        shared = persistent(generator, (events,))
        for _ in range(bins):
            own = persistent(generator, (events,))
            rows.append(generator.uniform(0.8, 1.2) * signal + noise * (shared + own) / np.sqrt(2))
    return features, np.array(rows, dtype=np.float32)


def write(folder: Path, seed: int, sites: dict[str, int], events: int = EVENTS, bins: int = BINS,
          noise: float = NOISE) -> list[str]:
    """Writes responses.safetensors, a file of features for each network, and truth.json; returns the sites' kinds."""
    generator = np.random.Generator(np.random.Philox(seed))
    kinds = [kind for kind, count in sites.items() for _ in range(count)]
    names = [f"{kind} {number}" for kind, count in sites.items() for number in range(1, count + 1)]
    responses, features = {}, {}
    for alignment in ALIGNMENTS:
        found, responses[alignment] = simulate_events(generator, kinds, events, bins, noise)
        for name, values in found.items():
            features.setdefault(name, {})[f"{alignment}/last"] = values
    folder.mkdir(parents=True, exist_ok=True)
    save_file(responses, folder / "responses.safetensors", {"sites": json.dumps(names)})
    for name, layers in features.items():
        save_file(layers, folder / f"{name}.safetensors")
    (folder / "truth.json").write_text(json.dumps(dict(zip(names, kinds))) + "\n")
    return kinds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--bins", type=int, default=BINS)
    parser.add_argument("--noise", type=float, default=NOISE, help="standard deviation")
    parser.add_argument("--sites", action="append", metavar="KIND=N", help=f"in place of {SITES}")
    options = parser.parse_args()
    sites = {kind: int(count) for kind, _, count in (each.partition("=") for each in options.sites or [])} or SITES
    if not set(sites) <= set(MIXTURES):
        parser.error(f"sites are {', '.join(MIXTURES)}")
    write(options.folder, options.seed, sites, options.events, options.bins, options.noise)


if __name__ == "__main__":
    main()
