#!/usr/bin/env python3
"""Writes tests/count/data/selections.json: the neurons that each selection of `rank --by` chooses, by PyTorch and NumPy
in float64; how improbable each domain's text is with its entropy's neurons off, and with nothing off; and how far the
weights of neurons differ between two checkpoints.

The second checkpoint of a pair is the first with bit 5 of some of its 16-bit words turned: of each file, in what
follows the header, word i where bits 29 to 31 of i * 2654435761 are 0. tests/count/test_selections.c makes the same.
Texts are tokenised by the tokenizers library; random choices are draws.py's. Nothing of mmneuron is used.

Run as: python3 golden/make_selections.py
"""
import json
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from draws import random_neurons
from truth import float64_arithmetic

HERE = Path(__file__).resolve().parent
FILE = HERE.parent / "tests" / "count" / "data" / "selections.json"
CHECKPOINT, WINDOW, RATE, BAR, SEED = "qwen2", 16, 0.15, 0.8, 11
TEXTS = {"de": "Jedes Neuron einer Schicht liest dieselben Zahlen, und keines liest sie so wie die anderen.",
         "en": "Every neuron of a layer reads the same numbers, and none reads them as the others do.",
         "fr": "Chaque neurone d'une couche lit les memes nombres, et aucun ne les lit comme les autres."}
TYPES = {"BF16": None, "F16": "<f2", "F32": "<f4"}
# The matrices before and behind the neurons of a module.
PAIRS = {"qwen2": {"language": ("model.layers.{}.mlp", ("gate_proj", "up_proj"), "down_proj")},
         "llava-1.5": {"vision": ("vision_tower.vision_model.encoder.layers.{}.mlp", ("fc1",), "fc2"),
                       "projector": ("multi_modal_projector", ("linear_1",), "linear_2")},
         "bloom": {"language": ("h.{}.mlp", ("dense_h_to_4h",), "dense_4h_to_h")},
         "instructblip": {"qformer": ("qformer.encoder.layer.{}", ("intermediate.dense",), "output.dense"),
                          "query": ("qformer.encoder.layer.{}", ("intermediate_query.dense",), "output_query.dense")}}


def weights(checkpoint: str, second: bool) -> dict[str, np.ndarray]:
    """All tensors of floats in binary64; with `second` those of the second checkpoint."""
    found = {}
    for file in sorted((HERE / "checkpoints" / checkpoint).glob("*.safetensors")):
        data = file.read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:start])
        numbers = np.frombuffer(data[start:start + (len(data) - start) // 2 * 2], dtype="<u2").copy()
        if second:
            turned = (np.arange(len(numbers), dtype=np.uint64) * 2654435761 & 0xFFFFFFFF) >> 29 == 0
            numbers[turned] ^= 1 << 5
        for name, tensor in header.items():
            if name == "__metadata__" or tensor["dtype"] not in TYPES:
                continue
            first, end = (offset // 2 for offset in tensor["data_offsets"])
            own = numbers[first:end]
            wide = (own.astype("<u4") << 16).view("<f4") if tensor["dtype"] == "BF16" else own.view(TYPES[tensor["dtype"]])
            found[name] = wide.astype(np.float64).reshape(tensor["shape"])
    return found


def changes(checkpoint: str, module: str) -> list[list[float]]:
    """By layer: of each neuron, the norm of what differs over that of the first checkpoint's."""
    before, after = weights(checkpoint, False), weights(checkpoint, True)
    place, leading, away = PAIRS[checkpoint][module]
    found = []
    while True:
        name = place.format(len(found))
        paths = [[key for key in before if key.endswith(f"{name}.{matrix}.weight")] for matrix in (*leading, away)]
        if not all(paths) or len(found) == 1 and "{}" not in place:
            return found
        def neurons(tensors: dict[str, np.ndarray]) -> np.ndarray:
            matrices = [tensors[path[0]] for path in paths]
            return np.concatenate([*matrices[:-1], matrices[-1].T], axis=1)
        w, v = neurons(before), neurons(after)
        found.append((np.linalg.norm(v - w, axis=1) / np.linalg.norm(w, axis=1)).tolist())


def load() -> tuple[torch.nn.Module, dict[str, list[torch.Tensor]]]:
    """The model in float64, and each domain's windows of ids."""
    folder = HERE / "checkpoints" / CHECKPOINT
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval().double()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids = {name: tokenizer.encode(text, add_special_tokens=False).ids for name, text in TEXTS.items()}
    return model, {name: [torch.tensor([own[at:at + WINDOW]]) for at in range(0, len(own), WINDOW)]
                   for name, own in ids.items()}


def nats(off: list[int], name: str) -> float:
    """Mean over the predicted tokens of a domain's text, with the neurons `off` set to 0."""
    model, windows = load()
    width = model.config.intermediate_size
    for number, layer in enumerate(model.model.layers):
        def hook(_module: object, _given: object, values: torch.Tensor, number: int = number) -> torch.Tensor:
            values = values.clone()
            values[..., [n % width for n in off if n // width == number]] = 0
            return values
        layer.mlp.act_fn.register_forward_hook(hook)
    total, tokens = 0.0, 0
    for window in windows[name]:
        with torch.no_grad(), float64_arithmetic():
            logits = model(window).logits[0, :-1]
        total += torch.nn.functional.cross_entropy(logits, window[0, 1:], reduction="sum").item()
        tokens += window.shape[1] - 1
    return total / tokens


def count() -> tuple[np.ndarray, np.ndarray, list[int]]:
    """[domains, layers * neurons]: positions where each neuron is active, sums of absolute values; and the positions."""
    model, windows = load()
    shown: dict[int, list[torch.Tensor]] = {}
    for number, layer in enumerate(model.model.layers):
        layer.mlp.act_fn.register_forward_hook(
            lambda _, given, values, number=number: shown.setdefault(number, []).append(values[0]))
    active, magnitude, tokens = [], [], []
    for own in windows.values():
        shown.clear()
        with torch.no_grad(), float64_arithmetic():
            for window in own:
                model(window)
        values = np.stack([torch.cat(shown[layer]).numpy() for layer in range(len(shown))])
        assert np.abs(values).min() > 1e-7, "a sign is in doubt"
        active.append((values > 0).sum(1).ravel())
        magnitude.append(np.abs(values).sum(1).ravel())
        tokens.append(sum(window.shape[1] for window in own))
    return np.array(active), np.array(magnitude), tokens


def entropy(values: np.ndarray) -> np.ndarray:
    q = values / values.sum(0)
    return -np.where(q > 0, q * np.log(np.where(q > 0, q, 1)), 0).sum(0)


def main() -> None:
    torch.set_num_threads(1)
    active, magnitude, tokens = count()
    p = active / np.array(tokens)[:, None]
    v = magnitude / np.array(tokens)[:, None]
    neurons = p.shape[1]
    bar = np.sort(p.ravel())[round(BAR * p.size) - 1]
    passed = np.flatnonzero((p > bar).any(0))
    wanted = min(round(RATE * neurons), len(passed))
    width = neurons // 2
    change = np.array(changes(CHECKPOINT, "language")).ravel()
    scores = {"entropy": entropy(p), "probability": -p.max(0), "value-entropy": entropy(v), "parameter-change": -change}
    found = {}
    for name, score in scores.items():
        score = np.round(score, 12)  # equal probabilities give equal scores
        chosen = passed[np.argsort(score[passed], kind="stable")][:wanted]
        ordered = np.unique(score[passed])
        assert np.diff(ordered).min(initial=1) > (1e-6 if name == "value-entropy" else 1e-10), name
        found[name] = {"ranked": chosen.tolist(), "score": np.abs(score[chosen]).tolist(),
                       "lists": [sorted(int(n) for n in chosen if p[d, n] > bar) for d in range(len(tokens))]}
    # Each random neuron takes the place, and so the domains, of one that the entropy selects.
    own = sorted(divmod(n, width) for n in found["entropy"]["ranked"])
    places = {layer * width + neuron: other[0] * width + other[1]
              for (layer, neuron), other in zip(own, random_neurons(own, width, 0, SEED))}
    found["random"] = {"ranked": [places[n] for n in found["entropy"]["ranked"]],
                       "lists": [sorted(places[n] for n in one) for one in found["entropy"]["lists"]]}
    document = {"checkpoint": CHECKPOINT, "window": WINDOW, "rate": RATE, "bar": BAR, "seed": SEED, "texts": TEXTS,
                "tokens": tokens,
                "nats": {name: {"nothing": nats([], name), "domain": nats(found["entropy"]["lists"][d], name)}
                         for d, name in enumerate(TEXTS)}, "magnitude": magnitude.tolist(), "selections": found,
                "changes": {checkpoint: {module: changes(checkpoint, module) for module in modules}
                            for checkpoint, modules in PAIRS.items()}}
    FILE.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    print(f"{wanted} of {neurons} neurons, {len(passed)} above the bar")


if __name__ == "__main__":
    main()
