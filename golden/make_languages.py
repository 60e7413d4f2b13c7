#!/usr/bin/env python3
"""Writes what PyTorch and transformers make of the five-language model: its language neurons, and the negative log
likelihood of the test texts with nothing and with each language's neurons off, in float64 and float32.

BUNDLE holds model/ (training/languages/export.py) and the lists and texts of training/languages/excerpts.py;
the results are BUNDLE/cases/likelihood.json, which doc/languages.md describes, and BUNDLE/cases/neurons.json, the
neurons as doc/formats.md has them. Needs xxhash besides requirements.txt.

Run as: python3 golden/make_languages.py BUNDLE   (some minutes)
"""
import json
import sys
from pathlib import Path

import torch
import transformers

from make_masked import write_neurons
from truth import float64_arithmetic

sys.path.append(str(Path(__file__).resolve().parent.parent / "training" / "languages"))
from lape import BAR, WINDOW, Model, rank, texts  # noqa: E402

RATE = 0.05  # at 0.01 a language has as few as one of the model's 3,200 neurons


def losses(model: Model, tested: dict, selected: dict) -> dict:
    """Of each window, with nothing off and with each language's neurons off."""
    return {"nothing_off": {name: model.losses(windows) for name, windows in tested.items()},
            "off": {owner: {name: model.losses_without(windows, places) for name, windows in tested.items()}
                    for owner, places in selected.items()}}


def main() -> None:
    torch.set_num_threads(1)  # its sums may depend on their number
    transformers.utils.logging.disable_progress_bar()
    bundle = Path(sys.argv[1])
    single, double = Model(bundle, torch.float32), Model(bundle, torch.float64)
    counted = {name: single.windows(text) for name, text in texts(bundle, "count").items()}
    tested = {name: single.windows(text) for name, text in texts(bundle, "test").items()}
    positions = {name: sum(map(len, windows)) for name, windows in counted.items()}
    selected = rank({name: single.count(windows) for name, windows in counted.items()}, positions, RATE)
    neurons = {name: [list(place) for place in places] for name, places in selected.items()}
    (bundle / "cases").mkdir(exist_ok=True)
    write_neurons(bundle / "cases" / "neurons.json", {"language": (single.layers, single.neurons)},
                  {"language": neurons})
    with float64_arithmetic():
        truth = losses(double, tested, selected)
    document = {
        "torch": torch.__version__, "transformers": transformers.__version__, "window": WINDOW, "bar": BAR,
        "rate": RATE, "positions_counted": positions,
        "tokens": {name: [len(window) for window in windows] for name, windows in tested.items()},
        "float64": truth, "float32": losses(single, tested, selected)}
    (bundle / "cases" / "likelihood.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
    for name, sums in truth["nothing_off"].items():
        difference = abs(sum(sums) - sum(document["float32"]["nothing_off"][name])) / sum(sums)
        print(f"{name}: {sum(sums)} nats, float32 {difference:.1e} from it, relative; {len(selected[name])} neurons")


if __name__ == "__main__":
    main()
