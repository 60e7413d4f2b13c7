#!/usr/bin/env python3
"""Writes tests/model/data/random_init.json: how transformers initialises the weights of models that are made from their
configurations alone: of each tensor, over several draws, the root mean square and the largest magnitude of its numbers,
and the row that is 0 where one alone is. Layers are alike; the first of each part is kept.

Run as: python3 golden/make_random_init.py
"""
import json
import re
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoConfig

import inputs as model_inputs

HERE = Path(__file__).resolve().parent
FILE = HERE.parent / "tests" / "model" / "data" / "random_init.json"
CHECKPOINTS, DRAWS = ["llava-v1.6-vicuna", "llava-interleave-qwen", "instructblip", "opt", "bloom"], 4


def describe(drawn: list[Tensor]) -> list:
    """The root mean square, the largest magnitude, and the number of the only row of zeros."""
    values = torch.stack([each.double() for each in drawn])
    zeros = []
    if drawn[0].dim() == 2:
        zeros = [row for row in range(drawn[0].shape[0]) if not values[:, row].any()]
    padding = zeros[0] if len(zeros) == 1 and drawn[0].shape[0] > 1 else None
    if padding is not None:
        values = torch.cat([values[:, :padding], values[:, padding + 1:]], 1)
    return [float(f"{values.square().mean().sqrt():.5g}"), float(f"{values.abs().max():.4g}"), padding]


def make(name: str) -> dict[str, list]:
    folder = HERE / "checkpoints" / name
    config = AutoConfig.from_pretrained(folder)
    states = []
    for seed in range(DRAWS):
        torch.manual_seed(seed)
        states.append(model_inputs.model_class(folder).from_config(config, dtype=torch.float32).state_dict())
    return {tensor: describe([state[tensor] for state in states]) for tensor in states[0]
            if not re.search(r"\.(layers?|h)\.[1-9]", tensor)}


def main() -> None:
    made = {name: make(name) for name in CHECKPOINTS}
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(made).replace("], ", "],\n").replace("}, ", "},\n") + "\n")


if __name__ == "__main__":
    main()
