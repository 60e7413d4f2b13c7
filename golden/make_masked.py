#!/usr/bin/env python3
"""Writes tests/mask/data/masked*.json and .safetensors: forward passes in float64 with neurons off.

The neurons are drawn by Python's generator, their digest is computed as doc/formats.md states it, and
they are switched off by hooks on transformers' activation functions: nothing of mmneuron is used. The
input is that of a golden case. Needs xxhash besides requirements.txt.

Run as: python3 golden/make_masked.py
"""
import json
import random
from pathlib import Path

import torch
import xxhash
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoModelForImageTextToText

import hooks
from capture import inputs_from_file
from make_golden import as_float64, greedy
from truth import float64_arithmetic

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "tests" / "mask" / "data"
TOKENS = 12
SOURCES = {"masked": ("llava-1.5", "wide"), "masked-instructblip": ("instructblip", "tall")}  # checkpoint, case
STAGES = "vision.out, projector.merged, language.layers.*.out, language.norm"
MASKED = "medical"
SHARE = 0.2

Neurons = dict[str, dict[str, list[list[int]]]]  # module, domain, [layer, neuron]


def activations(model: nn.Module) -> dict[str, list[nn.Module]]:
    """The activation functions of each module, layer by layer."""
    parts = hooks.Parts.of(model)
    between = {}
    if parts.qformer:  # layers share one activation function: what follows it is the layer's own
        layers = parts.qformer.encoder.layer
        between["qformer"] = [layer.intermediate for layer in layers]
        between["query"] = [layer.intermediate_query for layer in layers]
    else:
        between["projector"] = [parts.projector.act]
    return {"vision": [layer.mlp.activation_fn for layer in parts.vision.encoder.layers], **between,
            "language": [layer.mlp.act_fn for layer in parts.language.layers]}


def shapes_of(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Layers and neurons of each module."""
    text, vision = model.config.text_config, model.config.vision_config
    if hasattr(model.config, "qformer_config"):
        qformer = model.config.qformer_config
        queries = (qformer.num_hidden_layers, qformer.intermediate_size)
        between = {"qformer": queries, "query": queries}
    else:
        between = {"projector": (1, text.hidden_size)}
    return {"vision": (vision.num_hidden_layers, vision.intermediate_size), **between,
            "language": (text.num_hidden_layers, text.intermediate_size)}


def draw(shapes: dict[str, tuple[int, int]]) -> Neurons:
    generator = random.Random(4)
    return {module: {domain: [[layer, neuron] for layer in range(layers) for neuron in range(neurons)
                              if generator.random() < SHARE]
                     for domain in ("documents", MASKED)}
            for module, (layers, neurons) in shapes.items()}


def digest(shapes: dict[str, tuple[int, int]], chosen: Neurons) -> str:
    state = xxhash.xxh3_128()

    def add(*values: int | str) -> None:
        for value in values:
            if isinstance(value, str):
                add(len(value.encode()))
                state.update(value.encode())
            else:
                state.update(value.to_bytes(8, "little"))

    add("mmneuron-neurons-1", len(chosen))
    for module, domains in chosen.items():
        add(module, *shapes[module], len(domains))
        for domain, pairs in sorted(domains.items()):
            add(domain, len(pairs), *(number for pair in pairs for number in pair))
    return state.hexdigest()


def write_neurons(file: Path, shapes: dict[str, tuple[int, int]], chosen: Neurons) -> str:
    """As doc/formats.md has them; returns their digest."""
    found = digest(shapes, chosen)
    document = {"format": "mmneuron-neurons-1",
                "modules": {module: {"layers": shapes[module][0], "neurons": shapes[module][1], "domains": domains}
                            for module, domains in chosen.items()},
                "digest": found}
    file.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    return found


def switch_off(model: nn.Module, chosen: Neurons) -> None:
    for module, functions in activations(model).items():
        for layer, function in enumerate(functions):
            off = [neuron for at, neuron in chosen[module][MASKED] if at == layer]

            def hook(_module: nn.Module, _input: tuple, output: Tensor, off: list[int] = off) -> Tensor:
                output = output.clone()
                output[..., off] = 0
                return output
            function.register_forward_hook(hook)


def make(name: str, checkpoint: str, case: str) -> None:
    model = AutoModelForImageTextToText.from_pretrained(
        HERE / "checkpoints" / checkpoint, dtype=torch.float32, attn_implementation="eager")
    model = model.eval().double()
    shapes = shapes_of(model)
    chosen = draw(shapes)
    write_neurons(DATA / f"{name}.json", shapes, chosen)

    prepared, _ = inputs_from_file(HERE / "cases" / checkpoint / f"{case}.safetensors", False)
    switch_off(model, chosen)
    with float64_arithmetic():
        stages = hooks.run(model, as_float64(prepared), STAGES)
        ids, margin = greedy(model, as_float64(prepared), TOKENS)
    stages["generated_ids"] = torch.tensor(ids, dtype=torch.int32)
    save_file(stages, DATA / f"{name}.safetensors", {"margin": f"{margin:.4g}"})
    print(f"{name}: {len(ids)} tokens, margin {margin:.4g}")


def main() -> None:
    torch.set_num_threads(1)
    for name, source in SOURCES.items():
        make(name, *source)


if __name__ == "__main__":
    main()
