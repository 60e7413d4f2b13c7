#!/usr/bin/env python3
"""Writes golden/checkpoints/ and golden/cases/: tiny models and what they compute, in float64.

For each case the stages of one forward pass are stored as a float64 run gives them, with the error that
a float32 run of torch has against them in the metadata; doc/golden.md defines both. Needs what
requirements.txt lists; Pillow 12, because 13 resizes some images in another order.

Run as: python3 golden/make_golden.py [CHECKPOINT ...]   (all of them; 2 minutes)
"""
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import PIL
import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor, nn

import hooks
import inputs as model_inputs
from make_checkpoints import CHECKPOINTS, Checkpoint, write_checkpoint
from make_instructblip import INSTRUCTBLIP, InstructBlip, write_instructblip
from make_original import ORIGINAL, Original, Processor, is_original, load_model, write_original
from make_siglip import SIGLIP, Siglip, write_siglip
from make_text import TEXT_MODELS, TextModel, write_text_model
from truth import float64_arithmetic

AnyCheckpoint = Checkpoint | InstructBlip | Original | Siglip | TextModel

HERE = Path(__file__).resolve().parent
MARGIN = 0.02  # between the two largest logits wherever a token is generated
ATTEMPTS = 50

INPUTS = "input_ids, qformer_input_ids, pixel_values, image_sizes, generated_ids"
EVERYTHING = "*"
# Everything but logits, which are wide, and language.norm tells as much.
ALMOST_EVERYTHING = ", ".join(stage for stage in hooks.ORDER if stage != "language.logits")
OUTLINE = f"{INPUTS}, vision.out, projector.merged, language.layers.1.out, language.norm"
ENDS = f"{INPUTS}, projector.merged, language.norm"
BLIP_OUTLINE = f"{INPUTS}, vision.out, qformer.out, projector.out, language.layers.1.out, language.norm"
TEXT_OUTLINE = "input_ids, generated_ids, language.norm"


@dataclass(frozen=True)
class Case:
    name: str
    prompt: str
    images: Sequence[str] = ()  # relative to the folder that holds `cases`
    stages: str = EVERYTHING
    generate: int = 6


@dataclass
class Golden:
    """One checkpoint's results: the tensors and metadata of each case's file."""
    cases: dict[str, tuple[dict[str, Tensor], dict[str, str]]]
    margin: float


SYSTEM = ("A chat between a curious human and an artificial intelligence assistant. The assistant gives "
          "helpful, detailed, and polite answers to the human's questions. ")
USER, ASSISTANT = "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"
WIDE, TALL, TINY, GREY = ("images/wide.jpg", "images/tall.jpg", "images/tiny.png",
                          "images/grey.jpg")
TEXT_CASES = (
    Case("sentence", "The cat is on the table."),
    Case("long", "Every neuron of a layer reads the same numbers.\n\n  Isn't it? Été, 日本 🙂: 1234.",
         (), TEXT_OUTLINE, 12),
)
CASES: dict[str, tuple[Case, ...]] = {
    "llava-1.5": (
        Case("wide", "USER: <image>\nWhat is this? ASSISTANT:", (WIDE,)),
        Case("tall", "USER: <image>\nWhere is the cup? ASSISTANT:", (TALL,), ALMOST_EVERYTHING),
        Case("tiny", "USER: <image>\nWho? ASSISTANT:", (TINY,), OUTLINE),
        Case("grey", "<image>\nIs there a camera?", (GREY,), OUTLINE),
        Case("joined", "USER: <image>\nWhat do the two pictures show? ASSISTANT:",
             ("images/cat.jpg", TALL), ENDS),
        Case("two-images", "USER: <image>\nAnd now: <image>\nWhich is larger? ASSISTANT:",
             (TINY, "images/square.jpg"), ENDS),
        Case("text-only", "USER: What is a neuron? ASSISTANT:"),
        Case("long", f"{SYSTEM}USER: <image>\nDescribe the picture in one sentence. ASSISTANT:",
             ("images/cat.jpg",), ENDS, 12),
    ),
    "llava-1.5-large-image": (
        Case("wide", "USER: <image>\nWhat is this? ASSISTANT:", (WIDE,),
             f"{INPUTS}, vision.embeddings, vision.layers.0.out, vision.layers.1.out, "
             "language.layers.0.attn.out, language.layers.1.out"),
        Case("tall", "USER: <image>\nWhere is the cup? ASSISTANT:", (TALL,),
             "input_ids, image_sizes, generated_ids, vision.out, projector.*, "
             "language.layers.0.attn.out, language.layers.1.mlp.out, language.norm"),
    ),
    "llava-v1.6-vicuna": (
        Case("wide", "USER: <image>\nWhat? ASSISTANT:", (WIDE,)),
        Case("tall", "USER: <image>\nWhere? ASSISTANT:", (TALL,), ALMOST_EVERYTHING),
        Case("tiny", "USER: <image>\nWho? ASSISTANT:", (TINY,), OUTLINE),
        Case("grey", "<image>\nIs there a camera?", (GREY,), ENDS),
        Case("joined", "USER: <image>\nWhat do the two pictures show? ASSISTANT:",
             ("images/tissue.png", TALL), ENDS),
        Case("two-images", "<image>\n<image>\nWhich?", (TINY, "images/retina.jpg"), ENDS),
        Case("text-only", "USER: What is a neuron? ASSISTANT:"),
        Case("long", f"{SYSTEM}USER: <image>\nDescribe the picture in one sentence. ASSISTANT:",
             ("images/text.png",), ENDS, 12),
    ),
    "llava-v1.6-mistral": (
        Case("wide", "[INST] <image>\nWhat? [/INST]", (WIDE,), ALMOST_EVERYTHING),
        Case("tall", "[INST] <image>\nWhere? [/INST]", (TALL,)),
        Case("tiny", "[INST] <image>\nWho? [/INST]", (TINY,), OUTLINE),
        Case("grey", "[INST] <image>\nIs there a camera? [/INST]", (GREY,), ENDS),
        Case("square", "<image>\nName?", ("images/square.jpg",), ENDS),
        Case("text-only", "[INST] What is a neuron? Explain it in one short sentence. [/INST]", (),
             ALMOST_EVERYTHING),
        Case("long", "[INST] <image>\nDescribe the picture in one sentence, and say what the weather "
             "is like, who is there, and what they do. [/INST]", ("images/cat.jpg",), ENDS, 40),
    ),
    "llava-native": (
        Case("wide", "USER: <image>\nWhat is this? ASSISTANT:", (WIDE,)),
        Case("tall", "USER: <image>\nWhere is the cup? ASSISTANT:", (TALL,), OUTLINE, 12),
    ),
    "llava-interleave-qwen": (
        Case("wide", f"{USER}<image>\nWhat is this?{ASSISTANT}", (WIDE,),
             f"{INPUTS}, vision.*, projector.*, language.embeddings, language.layers.1.*, language.norm"),
        Case("tall", f"{USER}<image>\nWhere is the cup?{ASSISTANT}", (TALL,), OUTLINE, 12),
        Case("two-images", f"{USER}<image><image>\nWhich is larger?{ASSISTANT}", (TINY, "images/square.jpg"), ENDS),
    ),
    "llava-linear-224": (
        Case("wide", "[INST] <image>\nDescribe the image in few words. [/INST]An image of", (WIDE,),
             "input_ids, image_sizes, generated_ids, vision.out, projector.merged, language.layers.*.mlp.act, "
             "language.norm"),
        Case("tall", f"{SYSTEM}USER: <image>\nWhere is the cup? ASSISTANT:", (TALL,),
             "input_ids, image_sizes, generated_ids, vision.embeddings, projector.out, language.layers.1.out"),
        Case("text-only", "USER: What is a neuron? ASSISTANT:"),
    ),
    "llava-linear-marks": (
        Case("wide", "###Human: <image>\nWhat is this?###Assistant:", (WIDE,)),
        Case("tall", "###Human: Where is the cup?\n<image>###Assistant:", (TALL,), ALMOST_EVERYTHING),
        Case("two-images", "<image>\nAnd now:  <image>\nWhich is larger?</s>", (TINY, "images/square.jpg"), ENDS, 12),
    ),
    "llava-mlp-336": (
        Case("tall", f"{SYSTEM}USER: <image>\nWhere is the cup? ASSISTANT:", (TALL,),
             "input_ids, image_sizes, generated_ids, vision.out, projector.act, projector.out, language.norm"),
    ),
    "instructblip": (
        Case("wide", "What is unusual about this image?", (WIDE,)),
        Case("tall", "Where is the cup?", (TALL,), ALMOST_EVERYTHING),
        Case("tiny", "Who?", (TINY,), BLIP_OUTLINE),
        Case("joined", "Question: what do the two pictures show? Short answer:",
             ("images/cat.jpg", TALL), BLIP_OUTLINE),
        Case("long", "Describe the picture in one sentence, and say what the weather is like, who is there, and "
             "what they do.", ("images/cat.jpg",), BLIP_OUTLINE, 12),
        Case("spaces", "  Where is it?</s> And what is it? ", (TINY,), ENDS),
    ),
} | {name: TEXT_CASES for name in TEXT_MODELS}
# Where a text, or what follows a special token, begins with a space, transformers 5 does not do what a LLaMA's
# tokenizer.json says (doc/differences.md).
CASES["llama-2"] += (Case("spaces", "  Two spaces,</s> and one,<s>and none.  ", (), ENDS),)


def error_against(truth: Tensor, value: Tensor) -> tuple[float, float]:
    """Relative RMS, sqrt(sum (value - truth)^2 / sum truth^2), and the largest |value - truth|."""
    difference = value.double() - truth
    scale = truth.square().sum().sqrt().item()
    distance = difference.square().sum().sqrt().item()
    return (distance / scale if scale > 0 else 0.0), difference.abs().max().item()


def as_float64(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.double() if value.is_floating_point() else value
            for name, value in tensors.items()}


def greedy(model: nn.Module, prompt: dict[str, Tensor], limit: int) -> tuple[list[int], float]:
    """Generates by whole forward passes; also the smallest margin between two largest logits."""
    config = model.generation_config
    stops = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    sequence = dict(prompt)
    generated: list[int] = []
    margin = float("inf")
    while len(generated) < limit and not (generated and generated[-1] in stops):
        with torch.no_grad():
            logits = model(**sequence, use_cache=False).logits[0, -1]
        best = logits.topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        generated.append(int(best.indices[0]))
        token = torch.tensor([[generated[-1]]])
        sequence["input_ids"] = torch.cat([sequence["input_ids"], token], dim=1)
    return generated, margin


def generate(model: nn.Module, prompt: dict[str, Tensor], limit: int) -> list[int]:
    """What transformers' own greedy generation, with its cache, appends to the prompt."""
    length = prompt["input_ids"].shape[1]
    with torch.no_grad():
        ids = model.generate(**prompt, attention_mask=torch.ones_like(prompt["input_ids"]),
                             max_new_tokens=limit, do_sample=False)
    return ids[0, length:].tolist()


def run_case(case: Case, root: Path, processor: object, single: nn.Module,
             double: nn.Module) -> tuple[dict[str, Tensor], dict[str, str], float]:
    """Tensors and metadata of a case's file, and the smallest margin of its logits."""
    files = [root / image for image in case.images]
    prepared = model_inputs.prepare(processor, case.prompt, files)
    with float64_arithmetic():
        truth = hooks.run(double, as_float64(prepared))
        ids, margin = greedy(double, as_float64(prepared), case.generate)
    rounded = hooks.run(single, prepared)
    if margin >= MARGIN:
        assert generate(single, prepared, case.generate) == ids, "float32 generates other tokens"

    sizes = [(i.height, i.width) for i in model_inputs.load_images(case.prompt, files)]
    tensors = model_inputs.as_stages(prepared, sizes)
    tensors["generated_ids"] = torch.tensor(ids, dtype=torch.int32)
    tensors |= truth
    tensors = {name: value.contiguous() for name, value in tensors.items()
               if hooks.is_wanted(name, case.stages)}
    metadata = {"format": "mmneuron-golden-1", "prompt": case.prompt,
                "images": json.dumps(list(case.images)), "generate": str(case.generate),
                "margin": f"{margin:.4g}", "torch": torch.__version__,
                "transformers": transformers.__version__, "Pillow": PIL.__version__}
    for name in sorted(tensors.keys() & truth.keys()):
        relative, largest = error_against(truth[name], rounded[name])
        metadata[f"error.{name}"] = f"{relative:.6e} {largest:.6e}"
    return tensors, metadata, margin


def load(folder: Path) -> tuple[nn.Module, nn.Module, object]:
    """The model in float32 and in float64, and its processor."""
    if is_original(folder):
        return load_model(folder), load_model(folder).double(), Processor(folder)
    load_one = model_inputs.model_class(folder).from_pretrained
    single = load_one(folder, dtype=torch.float32, attn_implementation="eager").eval()
    double = load_one(folder, dtype=torch.float32, attn_implementation="eager").eval().double()
    return single, double, model_inputs.load_processor(folder)


def run_checkpoint(folder: Path, root: Path, cases: Sequence[Case]) -> Golden:
    single, double, processor = load(folder)
    golden = Golden({}, float("inf"))
    for case in cases:
        tensors, metadata, margin = run_case(case, root, processor, single, double)
        golden.cases[case.name] = (tensors, metadata)
        golden.margin = min(golden.margin, margin)
    return golden


def write(checkpoint: AnyCheckpoint, seed: int, folder: Path) -> None:
    if isinstance(checkpoint, InstructBlip):
        write_instructblip(checkpoint, seed, folder)
    elif isinstance(checkpoint, Original):
        write_original(checkpoint, seed, folder)
    elif isinstance(checkpoint, Siglip):
        write_siglip(checkpoint, seed, folder)
    elif isinstance(checkpoint, TextModel):
        write_text_model(checkpoint, seed, folder)
    else:
        write_checkpoint(checkpoint, seed, folder)


def make(checkpoint: AnyCheckpoint, cases: Sequence[Case], seed: int, root: Path) -> None:
    """Writes the checkpoint and its cases below `root`, with the first seed from `seed` on whose
    generated tokens are all at least MARGIN ahead of the others."""
    folder = root / "checkpoints" / checkpoint.name
    output = root / "cases" / checkpoint.name
    for attempt in range(seed, seed + ATTEMPTS):
        write(checkpoint, attempt, folder)
        golden = run_checkpoint(folder, root, cases)
        if golden.margin >= MARGIN:
            break
        print(f"{checkpoint.name}: seed {attempt} has a margin of {golden.margin:.4g}")
    else:
        raise RuntimeError(f"no seed gives {checkpoint.name} a margin of {MARGIN}")
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    for name, (tensors, metadata) in golden.cases.items():
        file = output / f"{name}.safetensors"
        save_file(tensors, file, metadata | {
            "checkpoint": checkpoint.name, "seed": str(attempt),
            "chosen": f"the first seed from {seed} on with every margin at least {MARGIN}"})
        file.chmod(0o644)
        print(f"{checkpoint.name}/{name}: {file.stat().st_size} bytes, "
              f"generated {tensors['generated_ids'].tolist()}, margin {metadata['margin']}")


def prepare_libraries() -> None:
    if not model_inputs.horizontal_first():
        raise SystemExit(f"Pillow {PIL.__version__} resizes in another order; install Pillow 12")
    torch.set_num_threads(1)  # its sums may depend on their number
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def main() -> None:
    prepare_libraries()
    for name in sys.argv[1:] or CASES:
        make((CHECKPOINTS | INSTRUCTBLIP | ORIGINAL | SIGLIP | TEXT_MODELS)[name], CASES[name], 1, HERE)


if __name__ == "__main__":
    main()
