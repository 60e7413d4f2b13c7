#!/usr/bin/env python3
"""Writes tests/study/data/features: events, responses to them, what transformers' stages are for the events in float64,
pooled in each way, and how well these predict the responses, by scikit-learn.

Stages are caught by hooks (hooks.py); the first events' features are kept. Responses follow the picture, the text or
nothing. Nothing of mmneuron is used.

Run as: python3 golden/make_features.py
"""
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor

import hooks
import inputs as model_inputs
from make_ridge import score
from truth import float64_arithmetic

HERE = Path(__file__).resolve().parent
MODEL, IMAGES = HERE / "checkpoints" / "llava-1.5", ["cat.jpg", "grey.jpg", "retina.jpg", "wide.jpg", "tall.jpg"]
FOLDER = HERE.parent / "tests" / "study" / "data" / "features"
EVENTS, KEPT, BINS = 40, 3, 2
SITES = ["picture 1", "text 1", "nothing 1"]
STAGES = "vision.layers.*.out,language.layers.?.out"
FLAT = "vision.layers.1.out"
WORDS = ["neuron", "layer", "word", "picture", "light", "road", "river"]
POOLS = {"last": lambda values: values[-1], "first": lambda values: values[0], "mean": lambda values: values.mean(0)}


def events() -> list[dict]:
    return [{"id": f"e{i}", "domain": "words", "image": f"../../../../golden/images/{IMAGES[i % len(IMAGES)]}",
             "prompt": "<image>\nThe " + " and the ".join(WORDS[(i + k) % len(WORDS)] for k in range(1 + i % 3))}
            for i in range(EVENTS)]


def run(listed: list[dict]) -> list[dict[str, Tensor]]:
    """The stages of each event, [positions, width]."""
    model = model_inputs.model_class(MODEL).from_pretrained(MODEL, dtype=torch.float32, attn_implementation="eager")
    model, processor = model.eval().double(), model_inputs.load_processor(MODEL)
    found = []
    for event in listed:
        prepared = model_inputs.prepare(processor, event["prompt"], [FOLDER / event["image"]])
        prepared["pixel_values"] = prepared["pixel_values"].double()
        with float64_arithmetic():
            stages = hooks.run(model, prepared, STAGES)
        found.append({name: value.reshape(-1, value.shape[-1]) for name, value in stages.items()})
    return found


def responses() -> np.ndarray:
    generator = np.random.default_rng(11)
    picture, text = generator.normal(size=len(IMAGES)), generator.normal(size=3)
    numbers = np.arange(EVENTS)
    signals = [picture[numbers % len(IMAGES)], text[numbers % 3], 0 * numbers]
    return np.array([signal + 0.3 * generator.normal(size=EVENTS) for signal in signals for _ in range(BINS)],
                    dtype=np.float32)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    listed = events()
    (FOLDER / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in listed))
    y = responses()
    save_file({"words": y}, FOLDER / "responses.safetensors", {"sites": json.dumps(SITES)})
    found = run(listed)
    kept, scores = {}, {}
    for pool, function in POOLS.items():
        for name in found[0]:
            x = torch.stack([function(stages[name]) for stages in found]).numpy()
            kept[f"{pool}/{name}"] = x[:KEPT].astype(np.float32)
            if pool == "mean":
                scores[name] = score(x, y.T.astype(np.float64))
    kept[f"flat/{FLAT}"] = torch.stack([stages[FLAT].flatten() for stages in found[:KEPT]]).float().numpy()
    save_file(kept, FOLDER / "features.safetensors")
    layers = [{"name": name, "validation": float(np.mean(each["validation"])), "test": float(np.mean(each["test"]))}
              for name, each in sorted(scores.items())]
    (FOLDER / "expected.json").write_text(json.dumps({"layers": layers}, indent=1) + "\n")
    print(json.dumps(layers, indent=1))


if __name__ == "__main__":
    main()
