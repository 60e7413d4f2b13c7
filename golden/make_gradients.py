#!/usr/bin/env python3
"""Writes golden/gradients/: derivatives of a word's ln p, or logit, by what the golden models make of a prompt.

PyTorch's autograd computes them in float64, with the error of float32 runs in the metadata, as for the stages of the
forward pass (make_golden.py). One file for each kind of language model, with stages as its size allows.

A gradient magnifies what was rounded before it. Where by how much is the chance of one run, as behind a Q-Former,
torch's error is the largest of several, whose inputs differ by what a rounding does to them (doc/golden.md).

Run as: python3 golden/make_gradients.py   (a minute)
"""
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

import hooks
import inputs as model_inputs
from make_golden import HERE, as_float64, error_against, load, prepare_libraries
from truth import float64_arithmetic

ENDS = "grad.language.layers.0.mlp.act, grad.language.embeddings"
OUTLINE = f"{ENDS}, grad.language.layers.*.out, grad.language.layers.1.attn.out"
IMAGES = "grad.projector.*, grad.vision.out, grad.vision.layers.0.*, grad.vision.embeddings"
QUERIES = "grad.qformer.*, grad.query.*"
NEURONS = "grad.language.layers.*.mlp.*, grad.language.layers.0.attn.out, grad.language.norm"

QFORMER_RUNS = 16


@dataclass(frozen=True)
class Case:
    checkpoint: str
    prompt: str
    word: str
    images: tuple[str, ...] = ()
    before: int = 0  # how far before the last position
    logit: bool = False
    stages: str = OUTLINE
    name: str = "word"
    runs: int = 1  # in float32


CASES = (
    Case("llama-2", "The cat is on the table.", "cat", stages=f"{OUTLINE}, {NEURONS}"),
    Case("llama-3", "The cat is on the table.", " dog", before=2),
    Case("mistral", "The cat is on the table, and the dog is under it.", "house", logit=True),
    Case("qwen2", "The cat is on the table.", " is", logit=True),
    Case("bloom", "The cat is on the table.", " cat"),
    Case("opt", "The cat is on the table.", " cat", before=1),
    Case("phi", "The cat is on the table.", " cat"),
    Case("llava-1.5", "<image>\nIs there a camera?", "camera", ("images/grey.jpg",), stages=f"{ENDS}, {IMAGES}"),
    Case("llava-v1.6-mistral", "[INST] <image>\nWho? [/INST]", "cat", ("images/tiny.png",), 1, stages=f"{ENDS}, {IMAGES}"),
    Case("llava-interleave-qwen", "<image>\nName?", "cat", ("images/tiny.png",), stages=f"{IMAGES}, grad.pixel_values"),
    Case("llava-linear-224", "<image>\nName?", "cat", ("images/tiny.png",), stages="grad.vision.out"),
    Case("instructblip", "Who is there?", "cat", ("images/tiny.png",), logit=True, stages=f"{ENDS}, {QUERIES}, {IMAGES}",
         runs=QFORMER_RUNS),
)


@contextmanager
def shaken(model: torch.nn.Module, prepared: dict[str, torch.Tensor], seed: int) -> Iterator[dict[str, torch.Tensor]]:
    """What the model takes, and makes of ids, off by half a unit in the last place; with seed 0 as it is."""
    draw = torch.Generator().manual_seed(seed)

    def shake(value: torch.Tensor) -> torch.Tensor:
        return value * (1 + 2.0 ** -24 * torch.randn(value.shape, generator=draw)) if seed else value

    embeddings = hooks.embeddings(model)
    handles = [module.register_forward_hook(lambda _module, _input, output: shake(output)) for module in embeddings]
    try:
        yield {name: shake(value) if value.is_floating_point() else value for name, value in prepared.items()}
    finally:
        for handle in handles:
            handle.remove()


def make(case: Case, root: Path = HERE) -> None:
    """Writes the case of root/checkpoints, whose images are relative to root, below root/gradients."""
    folder = root / "checkpoints" / case.checkpoint
    single, double, processor = load(folder)
    token = model_inputs.tokenizer_of(processor)(case.word, add_special_tokens=False).input_ids[0]
    prepared = model_inputs.prepare(processor, case.prompt, [root / image for image in case.images])
    wanted = (token, -1 - case.before, case.logit, case.stages)
    with float64_arithmetic():
        truth, value = hooks.gradients(double, as_float64(prepared), *wanted)
    errors = {name: [] for name in truth}
    of_value = []
    for seed in range(case.runs):
        with shaken(single, prepared, seed) as inputs:
            rounded, rounded_value = hooks.gradients(single, inputs, *wanted)
        of_value.append(abs(rounded_value - value))
        for name, gradient in truth.items():
            errors[name].append(error_against(gradient, rounded[name]))
    metadata = {"format": "mmneuron-golden-1", "prompt": case.prompt, "images": json.dumps(list(case.images)),
                "generate": "0", "gradient_of": case.word, "token": str(token), "before": str(case.before),
                "logit": str(int(case.logit)), "value": repr(value), "error.value": repr(max(of_value)),
                "torch": torch.__version__, "transformers": transformers.__version__}
    for name in sorted(truth):
        relative, largest = map(max, zip(*errors[name]))
        metadata[f"error.{name}"] = f"{relative:.6e} {largest:.6e}"
    file = root / "gradients" / case.checkpoint / f"{case.name}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: gradient.contiguous() for name, gradient in truth.items()}, file, metadata)
    file.chmod(0o644)
    print(f"{case.checkpoint}/{case.name}: {file.stat().st_size} bytes, {len(truth)} stages, value {value:.6g}")


def main() -> None:
    prepare_libraries()
    for case in CASES:
        make(case)


if __name__ == "__main__":
    main()
