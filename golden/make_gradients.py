#!/usr/bin/env python3
"""Writes golden/gradients/: derivatives of a word's ln p, or logit, by what the golden models make of a prompt.

PyTorch's autograd computes them in float64, with the error of a float32 run in the metadata, as for the stages of
the forward pass (make_golden.py). One file for each kind of language model, with stages as its size allows.

Run as: python3 golden/make_gradients.py   (a minute)
"""
import json
from dataclasses import dataclass

import torch
import transformers
from safetensors.torch import save_file

import hooks
import inputs as model_inputs
from make_golden import HERE, as_float64, error_against, prepare_libraries
from truth import float64_arithmetic

ENDS = "grad.language.layers.0.mlp.act, grad.language.embeddings"
OUTLINE = f"{ENDS}, grad.language.layers.*.out, grad.language.layers.1.attn.out"
NEURONS = "grad.language.layers.*.mlp.*, grad.language.layers.0.attn.out, grad.language.norm"


@dataclass(frozen=True)
class Case:
    checkpoint: str
    prompt: str
    word: str
    images: tuple[str, ...] = ()
    before: int = 0  # how far before the last position
    logit: bool = False
    stages: str = OUTLINE


CASES = (
    Case("llama-2", "The cat is on the table.", "cat", stages=f"{OUTLINE}, {NEURONS}"),
    Case("llama-3", "The cat is on the table.", " dog", before=2),
    Case("mistral", "The cat is on the table, and the dog is under it.", "house", logit=True),
    Case("qwen2", "The cat is on the table.", " is", logit=True),
    Case("bloom", "The cat is on the table.", " cat"),
    Case("opt", "The cat is on the table.", " cat", before=1),
    Case("phi", "The cat is on the table.", " cat"),
    Case("llava-1.5", "<image>\nIs there a camera?", "camera", ("images/grey.jpg",), stages=ENDS),
    Case("llava-v1.6-mistral", "[INST] <image>\nWho? [/INST]", "cat", ("images/tiny.png",), 1, stages=ENDS),
    Case("instructblip", "Who is there?", "cat", ("images/tiny.png",), logit=True, stages=ENDS),
)


def make(case: Case) -> None:
    folder = HERE / "checkpoints" / case.checkpoint
    load = model_inputs.model_class(folder).from_pretrained
    single = load(folder, dtype=torch.float32, attn_implementation="eager").eval()
    double = load(folder, dtype=torch.float32, attn_implementation="eager").eval().double()
    processor = model_inputs.load_processor(folder)
    token = model_inputs.tokenizer_of(processor)(case.word, add_special_tokens=False).input_ids[0]
    prepared = model_inputs.prepare(processor, case.prompt, [HERE / image for image in case.images])
    wanted = (token, -1 - case.before, case.logit, case.stages)
    with float64_arithmetic():
        truth, value = hooks.gradients(double, as_float64(prepared), *wanted)
    rounded, rounded_value = hooks.gradients(single, prepared, *wanted)
    metadata = {"format": "mmneuron-golden-1", "prompt": case.prompt, "images": json.dumps(list(case.images)),
                "generate": "0", "gradient_of": case.word, "token": str(token), "before": str(case.before),
                "logit": str(int(case.logit)), "value": repr(value), "error.value": repr(abs(rounded_value - value)),
                "torch": torch.__version__, "transformers": transformers.__version__}
    for name in sorted(truth):
        relative, largest = error_against(truth[name], rounded[name])
        metadata[f"error.{name}"] = f"{relative:.6e} {largest:.6e}"
    file = HERE / "gradients" / case.checkpoint / "word.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: gradient.contiguous() for name, gradient in truth.items()}, file, metadata)
    file.chmod(0o644)
    print(f"{case.checkpoint}: {file.stat().st_size} bytes, {len(truth)} stages, value {value:.6g}")


def main() -> None:
    prepare_libraries()
    for case in CASES:
        make(case)


if __name__ == "__main__":
    main()
