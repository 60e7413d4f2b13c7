#!/usr/bin/env python3
"""Writes golden/deltas/: deltas of two tiny models, and what the models make of a prompt with these added to the very
weights, in float64.

The files are written by Python's safetensors, with the checksum that doc/formats.md states. Of the first model there are
two that have a neuron in common; the second model's MLP has no gate, and its output matrix a bias.

Run as: python3 golden/make_delta.py   (seconds; needs what requirements.txt lists)
"""
import json
from pathlib import Path

import numpy
import torch
import xxhash
from safetensors.numpy import save_file
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

import inputs as model_inputs
from ordered import order_metadata
from truth import float64_arithmetic

HERE = Path(__file__).resolve().parent
MADE = HERE / "deltas"
IMAGE, PROMPT = "golden/images/wide.jpg", "USER: <image>\nWhat is this? ASSISTANT:"
PLAIN_PROMPT = "A cat"
WORDS, SIZE = 64, 0.1
BOTH = (2, 41)
FIRST = [(0, 3), (0, 90), (1, 17), (2, 5), BOTH, (2, 115)]
SECOND = [(1, 16), BOTH]
PLAIN = [(0, 7), (0, 8), (1, 100)]


def text(value: str) -> bytes:
    return len(value.encode()).to_bytes(8, "little") + value.encode()


def numbers(*values: int) -> bytes:
    return b"".join(value.to_bytes(8, "little") for value in values)


def checksum(tensors: dict[str, numpy.ndarray], metadata: dict[str, str]) -> str:
    made = numbers(len(metadata))
    for key in sorted(metadata):
        made += text(key) + text(metadata[key])
    made += numbers(len(tensors))
    for name in sorted(tensors):
        tensor = tensors[name]
        kind = {"int32": "I32", "float32": "F32"}[str(tensor.dtype)]
        made += text(name) + text(kind) + numbers(tensor.ndim, *tensor.shape, tensor.nbytes) + tensor.tobytes()
    return xxhash.xxh3_128_hexdigest(made)


def make(name: str, neurons: list[tuple[int, int]], width: int, seed: int) -> list:
    """Writes a delta, and returns its neurons with their rows."""
    rows = (SIZE * numpy.random.default_rng(seed).standard_normal((len(neurons), width))).astype(numpy.float32)
    tensors = {"language.neurons": numpy.array(neurons, dtype=numpy.int32), "language.rows": rows}
    metadata = {"format": "mmneuron-delta-1", "version": "golden", "model": "", "settings": "{}"}
    metadata["checksum"] = checksum(tensors, metadata)
    file = MADE / f"{name}.safetensors"
    save_file(tensors, file, metadata)
    order_metadata(file)
    return list(zip(neurons, rows))


def add(matrices: list[torch.nn.Module], delta: list) -> None:
    """Adds a row to what leaves each neuron, a column of the matrix as PyTorch has it."""
    for (layer, neuron), row in delta:
        matrices[layer].weight[:, neuron] += torch.from_numpy(row.astype(numpy.float64))


def with_image() -> dict:
    folder = HERE / "checkpoints" / "llava-1.5"
    model = AutoModelForImageTextToText.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval().double()
    prepared = model_inputs.prepare(model_inputs.load_processor(folder), PROMPT, [HERE.parent / IMAGE])
    pixels = prepared["pixel_values"].double()
    matrices = [layer.mlp.down_proj for layer in model.model.language_model.layers]
    first, second = (make(name, neurons, matrices[0].out_features, seed)
                     for name, neurons, seed in (("first", FIRST, 1), ("second", SECOND, 2)))

    def likelihoods() -> list[float]:
        logits = model(input_ids=prepared["input_ids"], pixel_values=pixels).logits
        return logits[0, -1].log_softmax(-1)[:WORDS].tolist()

    def gradient() -> list[float]:
        """Of ln p of the first word, by the first layer's output at the last position."""
        states = []

        def keep(_module, _arguments, output):
            states.append(output.detach().requires_grad_())
            return states[0]

        hook = model.model.language_model.layers[0].register_forward_hook(keep)
        logits = model(input_ids=prepared["input_ids"], pixel_values=pixels).logits
        hook.remove()
        logits[0, -1].log_softmax(-1)[0].backward()
        return states[0].grad[0, -1].tolist()

    with float64_arithmetic():
        found = {"image": IMAGE, "prompt": PROMPT, "none": likelihoods()}
        add(matrices, first)
        found["first"] = likelihoods()
        add(matrices, second)
        found["both"] = likelihoods()
        with torch.enable_grad():
            found["gradient"] = gradient()
        layer, neuron = BOTH
        words = model.lm_head.weight @ matrices[layer].weight[:, neuron]
    return found | {"layer": layer, "neuron": neuron, "words": words[:WORDS].tolist()}


def without_gate() -> dict:
    folder = HERE / "checkpoints" / "bloom"
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval().double()
    ids = model_inputs.prepare(model_inputs.load_processor(folder), PLAIN_PROMPT, [])["input_ids"]
    matrices = [layer.mlp.dense_4h_to_h for layer in model.transformer.h]
    delta = make("plain", PLAIN, matrices[0].out_features, 3)
    with float64_arithmetic():
        add(matrices, delta)
        logits = model(input_ids=ids).logits[0, -1]
    return {"prompt": PLAIN_PROMPT, "after": logits.log_softmax(-1)[:WORDS].tolist()}


def main() -> None:
    torch.set_num_threads(1)
    MADE.mkdir(exist_ok=True)
    with torch.no_grad():
        found = with_image() | {"without_gate": without_gate()}
    (MADE / "deltas.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
